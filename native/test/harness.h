#pragma once

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <random>
#include <string>
#include <vector>

#include "ner_retriever/instruction_set.h"

// The whole test harness: named cases, checks that print what they were about, random data from one printed seed.

struct Case {
  const char *name;
  std::function<void()> run;
};

inline std::vector<Case> &cases() {
  static std::vector<Case> all;
  return all;
}

inline int &failures() {
  static int count = 0;
  return count;
}

struct AddCase {
  AddCase(const char *name, std::function<void()> run) { cases().push_back({name, std::move(run)}); }
};

#define TEST_JOIN_(a, b) a##b
#define TEST_JOIN(a, b) TEST_JOIN_(a, b)
#define TEST(name) TEST_AT(name, __COUNTER__)
#define TEST_AT(name, n)                                              \
  static void TEST_JOIN(test_, n)();                                  \
  static const AddCase TEST_JOIN(add_, n)(name, TEST_JOIN(test_, n)); \
  static void TEST_JOIN(test_, n)()

inline void check(bool holds, const std::string &about, const char *file, int line) {
  if (holds) return;
  ++failures();
  if (failures() <= 20) std::printf("    %s:%d: %s\n", file, line, about.c_str());
}
#define CHECK(holds, about) check((holds), std::string(#holds) + ", " + (about), __FILE__, __LINE__)

inline std::mt19937 &generator() {
  static std::mt19937 made = [] {
    const char *given = std::getenv("NER_RETRIEVER_TEST_SEED");
    const unsigned seed = given != nullptr ? static_cast<unsigned>(std::strtoul(given, nullptr, 10)) : std::random_device{}();
    std::printf("NER_RETRIEVER_TEST_SEED=%u\n", seed);
    return std::mt19937(seed);
  }();
  return made;
}

inline size_t random_size(size_t least, size_t most) {
  return std::uniform_int_distribution<size_t>(least, most)(generator());
}

inline std::vector<float> random_floats(size_t count, float scale = 1.0f) {
  std::normal_distribution<float> normal(0.0f, scale);
  std::vector<float> values(count);
  for (float &value : values) value = normal(generator());
  return values;
}

// Small integers: their sums of products are exact in float32, so that ties are ties on every instruction set.
inline std::vector<float> random_integers(size_t count, int most) {
  std::uniform_int_distribution<int> integer(-most, most);
  std::vector<float> values(count);
  for (float &value : values) value = static_cast<float>(integer(generator()));
  return values;
}

inline std::vector<ner_instruction_set> available_sets() {
  std::vector<ner_instruction_set> sets;
  for (const ner_instruction_set set : {NER_SCALAR, NER_AVX2, NER_AVX512})
    if (ner_instruction_set_available(set)) sets.push_back(set);
  return sets;
}

// Whether a case is to be run. NER_RETRIEVER_TEST_ONLY: those with one of these in their name, "a|b"; nothing: all.
inline bool is_wanted(const std::string &name) {
  const char *given = std::getenv("NER_RETRIEVER_TEST_ONLY");
  std::string wanted = given == nullptr ? "" : given;
  if (wanted.empty()) return true;
  for (size_t end = 0; !wanted.empty(); wanted.erase(0, end == std::string::npos ? end : end + 1)) {
    end = wanted.find('|');
    if (name.find(wanted.substr(0, end)) != std::string::npos) return true;
  }
  return false;
}

inline int run_all() {
  size_t ran = 0;
  for (const Case &test : cases()) {
    if (!is_wanted(test.name)) continue;
    ++ran;
    const int before = failures();
    std::printf("  %s\n", test.name);
    test.run();
    if (failures() > before) std::printf("  %s: %d checks FAILED\n", test.name, failures() - before);
  }
  check(ran > 0 || cases().empty(), "a case of NER_RETRIEVER_TEST_ONLY", __FILE__, __LINE__);
  std::printf("%zu cases on", ran);
  for (const ner_instruction_set set : available_sets()) std::printf(" %s", ner_instruction_set_name(set));
  std::printf(": %s\n", failures() == 0 ? "ok" : "FAILED");
  return failures() == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
