const grouped = new Intl.NumberFormat('en-US', { maximumFractionDigits: 0 });

/** 12,345 */
export function formatCount(count: number): string {
  return grouped.format(count);
}

/** "1 document", "12,345 documents" */
export function formatAmount(count: number, noun: string): string {
  return `${formatCount(count)} ${noun}${count === 1 ? '' : 's'}`;
}

/** "812 B", "3.4 MB": decimal units, as disks are sold. */
export function formatBytes(bytes: number): string {
  return inUnits(bytes, ['B', 'kB', 'MB', 'GB', 'TB']);
}

/** "812 FLOP", "7.4 GFLOP": floating-point operations. */
export function formatOperations(operations: number): string {
  return inUnits(operations, ['FLOP', 'kFLOP', 'MFLOP', 'GFLOP', 'TFLOP']);
}

function inUnits(amount: number, units: readonly string[]): string {
  let value = amount;
  let unit = 0;
  while (value >= 999.5 && unit < units.length - 1) {
    value /= 1000;
    unit += 1;
  }
  return `${unit === 0 || value >= 99.5 ? Math.round(value) : value.toFixed(1)} ${units[unit]}`;
}

/** "0:07", "12:34", "3:04:05" */
export function formatDuration(milliseconds: number): string {
  const seconds = Math.max(0, Math.round(milliseconds / 1000));
  const parts = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60, seconds % 60];
  const shown = parts[0] === 0 ? parts.slice(1) : parts;
  return shown.map((part, place) => (place === 0 ? String(part) : String(part).padStart(2, '0'))).join(':');
}
