#pragma once

#include <string>

// Follows a file of an index from its first byte to its last as faiss::read_index would, and throws a Failure where it is
// none that this library makes, is damaged, or is not by inner product. FAISS trusts what it reads: it takes memory for
// whatever number stands where a size should, divides by others, and follows the links of a graph wherever they lead.
// What is not seen here is damage within vectors, codes and centroids, where any bits are a number.
void check_file(const std::string &file);
