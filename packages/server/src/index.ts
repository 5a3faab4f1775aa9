export { createServer, type ServedRetriever, type ServerOptions } from './create-server.js';
export type { ErrorAnswer } from './error-answer.js';
export type { SearchBody } from './search-schema.js';
export { type ServeOptions, type Service, serve } from './serve.js';
