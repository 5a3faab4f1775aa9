#pragma once

// What holds for every function of this library:
// - matrices are compact and row-major, float32 unless said otherwise; their sizes are in the signature, in elements;
// - buffers belong to the caller and are only used during the call; nothing that is passed in is kept;
// - no exception crosses the interface: a function that can fail returns a status, and ner_last_error() has the words;
// - no thread is started unless the caller passes how many may run, and all of them have ended when the call returns;
// - any function may be called from any thread; only an object that a call changes must not be used by another meanwhile.

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef enum ner_status {
  NER_OK = 0,
  NER_INVALID_ARGUMENT = 1, // a size, a span or a name that cannot be
  NER_UNAVAILABLE = 2,      // this machine or this installation does not have it
  NER_OUT_OF_MEMORY = 3,
  NER_FAILED = 4,  // anything else; only the words say what
  NER_DAMAGED = 5, // what is read is not what was written
} ner_status;

// Why the last call on this thread that did not return NER_OK failed. Valid until the next one fails.
const char *ner_last_error(void);

#ifdef __cplusplus
}
#endif
