/** True for a relative name that stays in its folder on every system: no root, no drive, no "..", no backslash. */
export function staysInside(name: string): boolean {
  const parts = name.split('/');
  return !/[\\:\0]/.test(name) && parts.every((part) => part !== '' && part !== '.' && part !== '..');
}
