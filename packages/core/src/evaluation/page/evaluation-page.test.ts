import { expect, test } from 'vitest';
import type { EvaluationReport, SystemName, SystemResult, TypeResult } from '../evaluation-report.js';
import { measureRanking } from '../ranking-measures.js';
import { evaluationPage } from './evaluation-page.js';
import { runVersions } from './run-versions.js';

const systems: readonly SystemName[] = ['retriever', 'bm25'];

/** A type that the retriever finds at the places given, of `relevant` documents; BM25 finds nothing. */
function typeOf(query: string, relevant: number, places: readonly number[], other = false): TypeResult {
  const wanted = new Set(Array.from({ length: relevant }, (_, place) => place));
  const ranking = Array.from({ length: Math.max(0, ...places) }, (_, place) => -1 - place);
  for (const [document, place] of places.entries()) ranking[place - 1] = document;
  const within = places.filter((place) => place <= relevant).length;
  return {
    ...{ type: `raw ${query}`, query, other, relevant },
    rPrecision: relevant === 0 ? { retriever: null, bm25: null } : { retriever: within / relevant, bm25: 0 },
    measures: { retriever: measureRanking(ranking, wanted), bm25: measureRanking([], wanted) },
    cutOff: {},
  };
}

function reportOf(types: readonly TypeResult[], changes: Partial<EvaluationReport> = {}): EvaluationReport {
  return {
    ...{ dataset: 'by hand', documents: 1234, types, elapsedMs: 61_250 },
    mentions: { from: 'given', embedded: 99, skipped: 1 },
    model: { name: 'tiny', version: '0.1.0', fingerprint: 'sha256:00ff' },
    systems: systems.map((system) => ({
      system,
      macro: 0.25,
      macroOther: types.some(({ other }) => other) ? 0.125 : null,
      measures: types[0]?.measures[system] ?? null,
      measuresOther: types.find(({ other }) => other)?.measures[system] ?? null,
      cutOff: null,
    })),
    ...changes,
  };
}

const run = {
  command: 'ner-retriever eval x',
  date: new Date('2026-03-04T05:06:07.89Z'),
  versions: { 'Node.js': '24.0.0' },
};

const page = evaluationPage(
  reportOf([
    typeOf('Food', 4, [1, 9]),
    typeOf('Drink', 2, [1, 2]),
    typeOf('Rest', 1, [1], true),
    typeOf('Empty', 0, []),
  ]),
  run,
);

const all = (pattern: RegExp, text = page) => [...text.matchAll(pattern)].map((match) => match[1] as string);

test('bars: a row a type that has something to find, best first, "other" last; lengths are the values', () => {
  expect(all(/<text class="label[^>]*>([^<]+)/g)).toEqual(['Drink', 'Food', 'Rest']);
  const lengths = all(/<rect class="retriever"[^>]* width="([\d.]+)"/g).map(Number);
  expect(lengths[0]).toBeGreaterThan(500);
  expect((lengths[1] as number) / (lengths[0] as number)).toBeCloseTo(0.25, 2);
  expect(all(/<rect class="bm25"[^>]* width="([\d.]+)"/g)).toEqual(['1.5', '1.5', '1.5']);
  expect(all(/<title>(Food · [^<]+)/g)).toEqual(['Food · NER Retriever: 0.250', 'Food · BM25: 0.000']);
});

test('curves: what the lines show at first is what the script draws for the first choice', () => {
  const { frame, choices } = JSON.parse(all(/id="data">([^<]+)</g)[0] as string);
  expect(choices.map(({ title }: { title: string }) => title)).toEqual([
    'All types (macro mean)',
    '"Other" types (macro mean)',
    'Food (4 relevant)',
    'Drink (2 relevant)',
    'Rest (1 relevant)',
  ]);
  expect(choices[3].curves.retriever).toEqual(Array(11).fill(1));
  const points = all(/<polyline class="retriever"[^>]* points="([^"]+)"/g)[0]
    ?.split(' ')
    .map((point) => point.split(',').map(Number));
  const expected = choices[0].curves.retriever.map((precision: number, tenths: number) => [
    expect.closeTo(frame.left + (tenths / 10) * (frame.width - frame.left - frame.right), 0.1),
    expect.closeTo(frame.height - frame.bottom - precision * (frame.height - frame.top - frame.bottom), 0.1),
  ]);
  expect(points).toEqual(expected);
  // Food: found at places 1 and 9 of 4: precision 1 up to a recall of a quarter, 2/9 up to a half, then nothing.
  expect(choices[0].curves.retriever).toEqual([1, 1, 1, 2 / 9, 2 / 9, 2 / 9, 0, 0, 0, 0, 0]);
});

test('tables: every type, every measure, the best of each in bold; types with nothing to find have a dash', () => {
  const row = (name: string) => new RegExp(`<tr[^>]*><th scope="row"[^>]*>${name}</th>(.*?)</tr>`, 's').exec(page)?.[1];
  expect(row('Food')).toBe(
    '<td>4</td><td class="best">0.250</td><td>0.000</td><td class="best">0.306</td><td>0.000</td>',
  );
  expect(row('Empty')).toBe(`<td>0</td>${'<td>–</td>'.repeat(4)}`);
  expect(page).toContain('Macro means over 2 types');
  expect(page).toContain('Macro means over 1 &#34;other&#34; type');
  expect(all(/<b>([^<]+)<\/b>/g)).toEqual(['0.250', '0.250']);
});

test('the facts of the run', () => {
  for (const fact of [
    'by hand: 1,234 documents, 3 types with relevant ones, 99 mentions',
    'tiny 0.1.0, sha256:00ff',
    '2026-03-04 05:06:07 UTC',
    '61.3 s',
    'Node.js 24.0.0',
    '<code>ner-retriever eval x</code>',
  ]) {
    expect(page).toContain(fact);
  }
  expect(runVersions()).toMatchObject({ 'Node.js': process.versions.node, 'onnxruntime-node': '1.30.0' });
});

test('text of the data set is only ever text: within tags, attributes, titles and script data', () => {
  const hostile = `</script><script>alert(1)</script><img src=x onerror="alert('2')">&amp;\u2028\u001b[31m`;
  const report = reportOf([typeOf(hostile, 1, [1]), typeOf(`${hostile} other`, 1, [1], true)], {
    dataset: hostile,
    model: { name: hostile, version: hostile, fingerprint: hostile },
    sentenceModel: { name: hostile, fingerprint: hostile, pooling: hostile },
  });
  const found = evaluationPage(
    { ...report, systems: report.systems.map((system) => ({ ...system, system: 'sentence' as const })) },
    { command: hostile, date: run.date, versions: { [hostile]: hostile } },
  );
  expect(all(/(<script[^>]*>)/g, found)).toEqual(['<script type="application/json" id="data">', '<script>']);
  expect(all(/(<\/script)/g, found)).toHaveLength(2);
  expect(found).not.toContain('<img');
  expect(found).not.toContain('onerror="');
  expect(found).not.toContain('\u001b');
  // Every attribute ends where it should: what stands between tags is balanced.
  const tags = all(/<(\/?[a-z]\w*)/g, found.replace(/<script.*?<\/script>/gs, '').replace(/<style>.*?<\/style>/s, ''));
  const open: string[] = [];
  for (const tag of tags) {
    if (tag.startsWith('/')) expect(open.pop()).toBe(tag.slice(1));
    else if (!['meta', 'line', 'rect', 'polyline'].includes(tag)) open.push(tag);
    if (tag === 'rect') open.push('rect');
  }
  expect(open).toEqual([]);
  const data = JSON.parse(/id="data">([^<]+)</.exec(found)?.[1] as string);
  expect(data.choices[2].title).toBe(`${hostile} (1 relevant)`);
});

test('needs nothing from elsewhere, and forbids itself to ask', () => {
  expect(page).not.toMatch(/https?:|url\(|@import|\bsrc=|\bhref=/);
  expect(page).toContain(`content="default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'"`);
});

test('a data set with nothing to find is a page all the same', () => {
  const empty = evaluationPage(reportOf([typeOf('Empty', 0, [])]), run);
  expect(empty).toContain('0 types with relevant ones');
  expect(empty).not.toMatch(/NaN|Infinity|undefined/);
  expect(page).not.toMatch(/NaN|Infinity|undefined/);
});

test('the estimated cut-off of the retriever, where it has one', () => {
  const types = [typeOf('Food', 2, [1, 2])];
  expect(evaluationPage(reportOf(types), run)).not.toContain('Estimated cut-off');
  const means = { types: 1, precision: 0.5, recall: 0.25, f1: 1 / 3, bestF1: 0.75, fixedF1: 0.125, countRatio: 1.5 };
  const cutOff = { whole: means, small: null, mostly: null, absentDocuments: 68 };
  const [retriever, ...others] = reportOf(types).systems as [SystemResult, ...SystemResult[]];
  const shown = evaluationPage(reportOf(types, { systems: [{ ...retriever, cutOff }, ...others] }), run);
  expect(shown).toContain('<h2>Estimated cut-off</h2>');
  expect(shown).toContain('it leaves 68 documents in the median');
  expect(shown).toContain(
    '<th scope="row">In this data set</th><td>1</td><td>0.500</td><td>0.250</td><td>0.333</td><td>0.750</td><td>0.125</td><td>1.500</td>',
  );
  expect(shown).toMatch(/100 documents, 10 of the type<\/th><td>0<\/td>(<td>–<\/td>){6}/);
});
