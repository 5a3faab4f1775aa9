import { VectorIndex } from '../../dist/index.js';

const rows = new Float32Array(1 << 20);
for (let i = 0; i < 300; i++) await new VectorIndex({ dimensions: 256 }).add(rows);
console.log(Math.round(process.resourceUsage().maxRSS / 1024));
