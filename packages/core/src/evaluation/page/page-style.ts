/** One hue a system, told apart in light and dark and by most colour-blind eyes. */
export const pageStyle = `
:root { color-scheme: light dark; --page: #f6f7f9; --card: #ffffff; --ink: #16181d; --soft: #5d6470; --line: #e2e5ea;
  --retriever: #2f5fe0; --tap-without-head: #8b95a5; --bm25: #d98a1f; --hybrid: #17936b; --own-sentence: #8257d6; --sentence: #c2417c; }
@media (prefers-color-scheme: dark) { :root { --page: #101216; --card: #181b21; --ink: #e8eaee; --soft: #98a0ad; --line: #2b3038;
  --retriever: #7aa2ff; --tap-without-head: #77808f; --bm25: #f0b04f; --hybrid: #45c99a; --own-sentence: #b69cf7; --sentence: #f07fb0; } }
* { box-sizing: border-box; }
body { margin: 0; background: var(--page); color: var(--ink); font: 15px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, sans-serif; }
main { max-width: 1080px; margin: 0 auto; padding: 40px 20px 64px; }
header p { margin: 0; color: var(--soft); overflow-wrap: anywhere; }
h1 { margin: 2px 0 6px; font-size: 32px; line-height: 1.2; letter-spacing: -0.02em; overflow-wrap: anywhere; }
h2 { margin: 0 0 2px; font-size: 19px; letter-spacing: -0.01em; }
section { margin-top: 20px; padding: 22px 24px; background: var(--card); border: 1px solid var(--line); border-radius: 12px; }
section > p { margin: 0 0 14px; color: var(--soft); max-width: 75ch; }
.cards { display: grid; grid-template-columns: repeat(auto-fit, minmax(145px, 1fr)); gap: 12px; margin-top: 24px; }
.cards > div { padding: 14px 16px; background: var(--card); border: 1px solid var(--line); border-top: 4px solid var(--hue); border-radius: 10px; }
.cards b { display: block; font-size: 28px; line-height: 1.25; font-variant-numeric: tabular-nums; letter-spacing: -0.02em; }
.cards span { display: block; font-weight: 600; overflow-wrap: anywhere; }
.cards small, small { color: var(--soft); font-size: 12.5px; }
.legend { display: flex; flex-wrap: wrap; gap: 8px; align-items: center; margin: 0 0 12px; }
.legend button, select { font: inherit; font-size: 13.5px; color: inherit; background: var(--page); border: 1px solid var(--line); border-radius: 8px; padding: 4px 10px; max-width: 100%; }
.legend button { cursor: pointer; overflow-wrap: anywhere; }
.legend button[aria-pressed="false"] { opacity: 0.4; text-decoration: line-through; }
.swatch { display: inline-block; width: 11px; height: 11px; border-radius: 3px; background: var(--hue); margin-right: 7px; }
svg { display: block; width: 100%; height: auto; }
#curves { max-width: 860px; }
svg text { fill: var(--ink); font-size: 13px; font-family: inherit; }
svg .tick, svg .value { fill: var(--soft); font-size: 12px; font-variant-numeric: tabular-nums; }
svg .value { paint-order: stroke; stroke: var(--card); stroke-width: 5px; stroke-linejoin: round; }
svg .axis, svg .label.other { fill: var(--soft); }
svg .label.other { font-style: italic; }
svg .grid { stroke: var(--line); stroke-width: 1; }
svg rect { fill: var(--hue); }
svg polyline { fill: none; stroke: var(--hue); stroke-width: 2; stroke-linejoin: round; stroke-linecap: round; }
svg polyline.retriever { stroke-width: 3.5; }
.retriever { --hue: var(--retriever); } .tap-without-head { --hue: var(--tap-without-head); } .bm25 { --hue: var(--bm25); }
.hybrid { --hue: var(--hybrid); } .sentence { --hue: var(--sentence); } .own-sentence { --hue: var(--own-sentence); }
svg .off { display: none; }
.scroll { overflow-x: auto; }
.scroll > svg { min-width: 620px; }
table { border-collapse: collapse; width: 100%; font-size: 13.5px; font-variant-numeric: tabular-nums; }
.scroll + .scroll { margin-top: 18px; }
caption { text-align: left; color: var(--soft); padding-bottom: 6px; }
th, td { padding: 5px 10px; border-bottom: 1px solid var(--line); text-align: right; white-space: nowrap; }
th { font-weight: 500; }
thead th { color: var(--soft); font-size: 12.5px; vertical-align: bottom; white-space: normal; }
tbody th, thead th:first-child { text-align: left; }
.types th, .types td { padding: 5px 7px; }
.types thead th[colspan] { text-align: center; }
td.best { font-weight: 700; }
tr.other th { font-style: italic; color: var(--soft); }
dl { display: grid; grid-template-columns: max-content 1fr; gap: 6px 20px; margin: 8px 0 0; }
dt { color: var(--soft); }
dd { margin: 0; overflow-wrap: anywhere; }
code { font: 13px/1.5 ui-monospace, SFMono-Regular, Menlo, Consolas, monospace; overflow-wrap: anywhere; }
@media print { body { background: #fff; } section, .cards > div { break-inside: avoid; } .legend { display: none; } }
`;
