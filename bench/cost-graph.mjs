/** The cost a document over the size of the index, as SVG: both lines start at zero below, documents in powers of ten to the right. */
export function costGraph(rows) {
  const width = 640;
  const height = 320;
  const left = 60;
  const bottom = 40;
  const [top, right] = [20, 20];
  const highest = Math.max(...rows.map(({ microseconds }) => microseconds)) * 1.1;
  const first = Math.log10(rows[0].documents);
  const span = Math.log10(rows.at(-1).documents) - first || 1;
  const x = (documents) => left + ((Math.log10(documents) - first) / span) * (width - left - right);
  const y = (microseconds) => height - bottom - (microseconds / highest) * (height - bottom - top);
  const line = (key, colour) =>
    `<polyline fill="none" stroke="${colour}" stroke-width="2" points="${rows.map((row) => `${x(row.documents).toFixed(1)},${y(row[key]).toFixed(1)}`).join(' ')}"/>` +
    rows
      .map(
        (row) => `<circle cx="${x(row.documents).toFixed(1)}" cy="${y(row[key]).toFixed(1)}" r="3" fill="${colour}"/>`,
      )
      .join('');
  const ticks = Array.from({ length: 5 }, (_, number) => (highest * number) / 4);
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" font-family="sans-serif" font-size="11">
<rect width="${width}" height="${height}" fill="white"/>
${ticks.map((tick) => `<line x1="${left}" x2="${width - right}" y1="${y(tick).toFixed(1)}" y2="${y(tick).toFixed(1)}" stroke="#ddd"/><text x="${left - 6}" y="${(y(tick) + 4).toFixed(1)}" text-anchor="end">${tick.toFixed(0)}</text>`).join('\n')}
${rows.map(({ documents }) => `<text x="${x(documents).toFixed(1)}" y="${height - bottom + 16}" text-anchor="middle">${documents.toLocaleString('en-US')}</text>`).join('\n')}
${line('microseconds', '#1f77b4')}
${line('processorMicroseconds', '#d62728')}
<text x="${left + 8}" y="${top + 4}" fill="#1f77b4">µs a document</text>
<text x="${left + 120}" y="${top + 4}" fill="#d62728">processor µs a document</text>
<text x="${width / 2}" y="${height - 6}" text-anchor="middle">documents in the index</text>
</svg>
`;
}
