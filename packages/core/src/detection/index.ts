export { type Alignment, alignMarks, type MarkFailure } from './align-marks.js';
export { type ChatEndpointOptions, openChatEndpoint } from './chat-endpoint.js';
export type { ChatMessage, ChatModel, ChatOptions } from './chat-model.js';
export { type GazetteerOptions, openGazetteer } from './gazetteer.js';
export {
  type GenerativeDetectorOptions,
  type MalformedGeneration,
  openGenerativeDetector,
} from './generative-detector.js';
export { type GlinerOptions, openGliner } from './gliner.js';
export { openTokenClassifier, type TokenClassifierOptions } from './token-classifier.js';
export { openTransformersChat, type TransformersChatOptions } from './transformers-chat.js';
