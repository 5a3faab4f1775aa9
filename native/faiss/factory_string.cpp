#include "factory_string.h"

#include <regex>

bool known_factory_string(const std::string &factory) {
  const std::string number = "[1-9][0-9]{0,6}";
  const std::string rotation = "(OPQ" + number + "(_" + number + ")?|RR(" + number + ")?)";
  const std::string scalars = "(Flat|SQ4|SQ6|SQ8|SQfp16)";
  const std::string product = "(PQ" + number + "(x[1-9]|x1[0-6])?(np)?|PQ" + number + "x4fsr?)";
  const std::string graph = "HNSW([2-9]|[1-9][0-9]{1,2})?";
  const std::string lists = "IVF" + number + "(_" + graph + ")?";
  const std::string base = "(" + scalars + "|" + product + "|" + graph + "(," + scalars + ")?|" + lists + ",(" + scalars +
                           "|" + product + "))";
  const std::string refinement = "(,RFlat|,Refine\\(" + scalars + "\\))";
  // The expression's work grows with the text: one that is far longer than any index needs no closer look.
  return factory.size() <= 200 &&
         std::regex_match(factory, std::regex("(" + rotation + ",){0,4}" + base + refinement + "?"));
}
