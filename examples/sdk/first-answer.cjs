// The same from CommonJS: Node 20.19 and newer load ES modules with require().
const { Embedder } = require('@ner-retriever/core');

async function main() {
  const embedder = await Embedder.open();
  const types = await embedder.embedTypes(['dinosaur', 'operatic soprano']);
  console.log(`${types.rows} type descriptions, ${types.columns} dimensions`);
  await embedder.close();
}

main();
