#include "ner_retriever/segment_columns.h"

#include "operations.h"
#include "precision.h"

Napi::Value segment_columns(const Napi::CallbackInfo &info) {
  const ner_precision kept = precision(info[0]);
  ner_column columns[NER_MOST_COLUMNS];
  const size_t count = ner_segment_columns(kept, dimensions_of(info[1], kept), columns);
  Napi::Array table = Napi::Array::New(info.Env(), count);
  for (uint32_t place = 0; place < count; ++place) {
    Napi::Object column = Napi::Object::New(info.Env());
    column.Set("name", columns[place].name);
    column.Set("rowBytes", static_cast<double>(columns[place].row_bytes));
    table.Set(place, column);
  }
  return table;
}
