/** The block's number in a module's name: "model.layers.17.self_attn", "/encoder/layer.3/attention", "transformer.h.0.attn". */
export function numberInScope(scope: string): number | undefined {
  const number = /(?:^|[^a-z])(?:layers?|h|blocks?)[._/](\d+)(?!\d)/.exec(scope)?.[1];
  return number === undefined ? undefined : Number(number);
}
