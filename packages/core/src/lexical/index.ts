export { type LexicalHit, LexicalIndex } from './lexical-index.js';
