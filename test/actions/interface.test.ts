import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { rooms, withTables } from '../../scripts/action-docs.ts';

const root = join(import.meta.dirname, '../..');

describe.each(rooms())('action $name', ({ name, file, readme, action }) => {
  test('runs a bundle under Node 24', () => {
    const up = file.includes('/actions/') ? '../../' : '';
    expect(action.runs).toMatchObject({ using: 'node24', main: `${up}dist/${name}/index.js` });
  });

  test('action.yml names exactly the inputs that the code reads', async () => {
    const { fields } = (await import(join(root, 'actions', name, 'inputs.ts'))) as { fields: Record<string, unknown> };
    expect(Object.keys(action.inputs ?? {}).sort()).toEqual(Object.keys(fields).sort());
  });

  test('every action gives outcome and cause, and describes what it takes and gives', () => {
    expect(Object.keys(action.outputs ?? {})).toEqual(expect.arrayContaining(['outcome', 'cause']));
    for (const { description } of [...Object.values(action.inputs ?? {}), ...Object.values(action.outputs ?? {})]) {
      expect(description).toMatch(/\S{2}.*\.$/s);
    }
  });

  test('the tables of its README are those of action.yml (node scripts/action-docs.ts writes them)', () => {
    expect(existsSync(readme)).toBe(true);
    const text = readFileSync(readme, 'utf8');
    expect(text).toBe(withTables(text, action));
  });
});
