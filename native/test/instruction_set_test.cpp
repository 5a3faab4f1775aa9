#include <cstring>

#include "harness.h"

TEST("the best set is chosen, and a cap lowers the choice") {
  ner_instruction_set best;
  CHECK(ner_instruction_set_choose(nullptr, &best) == NER_OK, "no cap");
  CHECK(best == available_sets().back(), ner_instruction_set_name(best));
  for (const ner_instruction_set cap : {NER_SCALAR, NER_AVX2, NER_AVX512}) {
    ner_instruction_set chosen;
    CHECK(ner_instruction_set_choose(ner_instruction_set_name(cap), &chosen) == NER_OK, ner_instruction_set_name(cap));
    CHECK(chosen == (cap < best ? cap : best), ner_instruction_set_name(chosen));
  }
}

TEST("a cap that is no set is refused with words") {
  ner_instruction_set chosen;
  CHECK(ner_instruction_set_choose("avx3", &chosen) == NER_INVALID_ARGUMENT, "avx3");
  CHECK(std::strstr(ner_last_error(), "avx3") != nullptr, ner_last_error());
}

int main() { return run_all(); }
