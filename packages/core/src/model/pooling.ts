import type { Pooling as NativePooling } from '@ner-retriever/native';

/** How a mention's tokens become one vector as wide as the tap. */
export type Pooling = Exclude<NativePooling, 'first+last'>;
