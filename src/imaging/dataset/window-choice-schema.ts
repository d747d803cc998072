/** The window of 16-bit images, as a plan and a manifest store it. */
import { z } from 'zod';
import type { WindowChoice } from '../pixels/window-choice.js';

export const windowChoiceSchema: z.ZodType<WindowChoice> = z.object({
  range: z.object({ low: z.number(), high: z.number() }),
  /** How the range was chosen, in words. */
  reason: z.string(),
  /** Whether it follows from the data alone, and should be checked. */
  isGuess: z.boolean(),
});
