/** What the page does by itself: hide and show systems, and draw the curves of the type that is chosen. Plain JavaScript for a browser. */
export const pageScript = `
'use strict';
const { frame, choices } = JSON.parse(document.getElementById('data').textContent);
for (const button of document.querySelectorAll('[data-toggle]')) {
  button.addEventListener('click', () => {
    const shown = button.getAttribute('aria-pressed') !== 'true';
    const system = button.dataset.toggle;
    for (const each of document.querySelectorAll('[data-toggle="' + system + '"]')) each.setAttribute('aria-pressed', String(shown));
    for (const shape of document.querySelectorAll('svg .' + system)) shape.classList.toggle('off', !shown);
  });
}
const select = document.getElementById('choice');
for (const [place, { title }] of choices.entries()) select.add(new Option(title, String(place)));
select.hidden = choices.length < 2;
select.addEventListener('change', () => {
  const x = (recall) => frame.left + recall * (frame.width - frame.left - frame.right);
  const y = (precision) => frame.height - frame.bottom - precision * (frame.height - frame.top - frame.bottom);
  for (const line of document.querySelectorAll('#curves polyline')) {
    const curve = choices[Number(select.value)].curves[line.dataset.system] ?? [];
    line.setAttribute('points', curve.map((precision, tenths) => x(tenths / 10) + ',' + y(precision)).join(' '));
  }
});
`;
