#include "row_places.h"

#include <algorithm>

namespace ner_retriever {

RowPlaces::RowPlaces(const ner_segments &segments) : segments_(segments.segments) {
  ends_.reserve(segments.count);
  size_t end = 0;
  for (size_t segment = 0; segment < segments.count; ++segment) {
    ends_.push_back(end += segments_[segment].count);
    has_documents_ = has_documents_ || segments_[segment].documents != nullptr;
  }
}

RowPlaces::Place RowPlaces::of(uint32_t row) const noexcept {
  const auto segment = static_cast<size_t>(std::upper_bound(ends_.begin(), ends_.end(), row) - ends_.begin());
  return {segments_ + segment, row - (segment == 0 ? 0 : ends_[segment - 1])};
}

uint32_t RowPlaces::document_of(uint32_t row) const noexcept {
  const Place place = of(row);
  return place.segment->documents == nullptr ? row : place.segment->documents[place.row];
}

}  // namespace ner_retriever
