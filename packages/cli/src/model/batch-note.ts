/** What `model prepare`, `inspect` and `info` say of a model whose vectors depend on the texts that run beside. */
export const batchNote =
  'its quantisation takes scales over the whole batch (DynamicQuantizeLinear), so that a vector would depend on its batch mates: each text is run alone, which is slower. Statically quantised or 4-bit weights have no such effect.';
