/** The outcome of the check as text. */

export function checkTable({ card, date, passed, parity, trainings, steps, official }) {
  const machine = card
    ? `${card.name}, ${Math.round(card.memoryMiB / 1024)} GiB, driver ${card.driver}`
    : steps.some(({ device }) => device === 'GPU')
      ? 'a GPU that nvidia-smi does not list: toy sizes'
      : 'no GPU: toy sizes on the CPU';
  const lines = [
    `${machine}, ${date}`,
    '',
    ...parity.map(
      ({ form, agrees, largestError, failed }) =>
        `networks as in the reference, ${form}: ${mark(agrees)}, ${failed ?? `largest error ${largestError.toExponential(1)}`}`,
    ),
    ...trainingLines(trainings),
    '',
    ...stepTable(steps),
    '',
    ...(official ? [officialLine(official)] : []),
    passed ? 'passed' : 'FAILED',
  ];
  return `${lines.join('\n')}\n`;
}

function mark(isGood) {
  return isGood ? 'ok' : 'NOT OK';
}

function trainingLines({ failed, halfGradients, resumed, repeated, gradientsAgree, resumes }) {
  if (failed) return [`short trainings: NOT OK, ${failed}`];
  const { killedAt, resumedFrom, differing, tensors: all, largestDifference } = resumed;
  const outcome =
    differing === 0
      ? 'the same bytes'
      : `${differing} of ${all} tensors differ, by ${largestDifference.toExponential(1)} at most`;
  return [
    `gradients in half precision and in float32: ${mark(gradientsAgree)}, cosine ${halfGradients.G.toFixed(4)} (generator), ${halfGradients.D.toFixed(4)} (discriminator)`,
    `a training killed at steps ${killedAt.join(' and ')}, resumed from ${resumedFrom.join(' and ')}: ${mark(resumes)}, ${outcome}`,
    `the steps after a checkpoint, taken twice: differences of ${repeated.largestDifference.toExponential(1)} at most`,
  ];
}

function stepTable(steps) {
  const phases = [...new Set(steps.flatMap(({ phases: times = {} }) => Object.keys(times)))];
  const head = [
    'steps',
    ...phases.map((phase) => `${phase} ms`),
    'images/s',
    'build s',
    'first s',
    'peak GiB',
  ];
  const rows = steps.map(({ name, failed, ...result }) =>
    failed
      ? [name, failed]
      : [
          name,
          ...phases.map((phase) => result.phases[phase]?.toFixed(1) ?? ''),
          result.imagesPerSecond.toFixed(1),
          result.buildSeconds.toFixed(1),
          result.firstStepSeconds.toFixed(1),
          result.peakBytes === null ? 'unknown' : (result.peakBytes / 2 ** 30).toFixed(1),
        ],
  );
  const widths = head.map((_, column) =>
    Math.max(...[head, ...rows.filter((row) => row.length === head.length)].map((row) => row[column].length)),
  );
  widths[0] = Math.max(...[head, ...rows].map((row) => row[0].length));
  return [head, ...rows].map((row) =>
    row
      .map((cell, column) => (column === 0 ? cell.padEnd(widths[0]) : cell.padStart(widths[column] ?? 0)))
      .join('  '),
  );
}

function officialLine({ failed, secondsPerKimg }) {
  return failed ? `official trainer: ${failed}` : `official trainer: ${secondsPerKimg.toFixed(2)} s/kimg`;
}
