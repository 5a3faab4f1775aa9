export { type ErrorCode, type ErrorDetails, errorCodes, NerRetrieverError } from './errors.js';
export type { Matrix } from './matrix.js';
export type { Mention, SkippedMention, SkipReason, Span } from './mentions/mention.js';
export type { Document, DocumentRecord, JsonValue, Source } from './text/document.js';
