/** The data card of the images that `gist generate` makes. */
import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { UsageError } from '../core/errors.js';
import type { Sampler } from '../generation/index.js';
import { type CardSpec, cardSchema } from '../spec/generate.js';
import type { ObjectStore } from '../storage/index.js';

/** @throws UsageError for a key that the card does not have */
export function cardOf(facts: readonly string[] = []): CardSpec {
  const given = facts.map((fact) => {
    const at = fact.indexOf('=');
    return at < 0 ? [fact, ''] : [fact.slice(0, at), fact.slice(at + 1)];
  });
  const parsed = cardSchema.safeParse(Object.fromEntries(given));
  if (parsed.success) return parsed.data;
  throw new UsageError({
    what: `--card: ${parsed.error.issues[0]?.message ?? 'is invalid'}`,
    hint: `Write --card license=CC-BY-4.0; the keys are ${Object.keys(cardSchema.shape).join(', ')}.`,
  });
}

/** Options of `gist generate` that the images depend on. */
interface Command {
  checkpoint: string;
  seeds: string;
  class?: string;
  psi: string;
  out: string;
}

interface MadeImages {
  store: ObjectStore;
  prefix: string;
  card: CardSpec;
  sampler: Pick<Sampler, 'resolution' | 'channels'>;
  /** Class of each image; null when unconditional. */
  classes: (string | null)[];
}

/** The data card of the images that this command made. */
export async function writeCard(
  { out, checkpoint, seeds, psi, class: only }: Command,
  { store, prefix, card, sampler, classes }: MadeImages,
): Promise<void> {
  const { cardFacts, DATA_CARD, dataCard } = await import('../generation/index.js');
  const counts = new Map<string, number>();
  for (const name of classes) if (name !== null) counts.set(name, (counts.get(name) ?? 0) + 1);
  const facts = await cardFacts(store, prefix, {
    name: `images of seeds ${seeds}`,
    card,
    images: {
      count: classes.length,
      resolution: sampler.resolution,
      channels: sampler.channels,
      classes: counts.size > 0 ? [...counts].map(([name, images]) => ({ name, images })) : null,
    },
    truncationPsi: Number(psi),
    seeds,
    selection: null,
    evaluation: null,
    reproduce: `gist generate --checkpoint ${checkpoint} --seeds ${seeds} --psi ${psi}${only === undefined ? '' : ` --class ${only}`}`,
  });
  await writeFile(path.join(out, DATA_CARD), dataCard(facts));
}
