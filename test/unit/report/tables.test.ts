/** The metrics for other programs: CSV and LaTeX. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { metricsCsv } from '../../../src/report/tables/csv.js';
import { escapeTex, metricsTex } from '../../../src/report/tables/latex.js';
import { ANALYSES, fullReport } from '../../support/report-input.js';

test('each value is one line of the CSV file, with its interval and the value of real images', async () => {
  const input = await fullReport();
  const lines = metricsCsv(input).split('\r\n');
  assert.equal(lines[0], 'name,title,value,low,high,real,real_low,real_high,extractor,images');
  assert.ok(
    lines.includes(
      'fd_effnetlite0.holdout,Fréchet distance to unseen real images,41.234,39.1,44.7,20.1,18.8,22.4,effnetlite0,synthetic 480; holdout 120',
    ),
  );
  assert.ok(lines.includes('memorization.flagged,Flagged images,0,,,0.01,,,,'));
  const columns = lines
    .filter((line) => line !== '' && !line.includes('"'))
    .map((line) => line.split(',').length);
  assert.deepEqual([...new Set(columns)], [10]);
});

test('a title that a spreadsheet would compute, or that has commas, stays text', async () => {
  const [analysis] = ANALYSES;
  assert.ok(analysis);
  const value = { ...analysis.values[0], title: '=cmd(), "now"' } as (typeof analysis.values)[number];
  const csv = metricsCsv({ ...(await fullReport()), analyses: [{ ...analysis, values: [value] }] });
  assert.ok(csv.includes(`,"'=cmd(), ""now""",`));
});

test('the LaTeX table escapes text, and shows intervals and real values', async () => {
  assert.equal(
    escapeTex('50 % of a_b & {c} \\ #1 $'),
    '50 \\% of a\\_b \\& \\{c\\} \\textbackslash{} \\#1 \\$',
  );
  const tex = metricsTex(await fullReport());
  assert.ok(
    tex.includes(
      'Fréchet distance to unseen real images & effnetlite0 & 41.23 [39.10, 44.70] & 20.10 [18.80, 22.40] & 480 \\\\',
    ),
  );
  assert.ok(tex.includes('& 0.0123 & $-$0.0004 & 480'));
  assert.equal(tex.match(/\\begin\{tabular\}/g)?.length, 1);
});
