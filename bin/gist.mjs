#!/usr/bin/env node
/** The `gist` command: sets up what is missing, then hands over to the compiled program. */
import { setUpOrExit } from '../scripts/setup.mjs';

await setUpOrExit({ quiet: true });
const { main } = await import('../dist/src/cli/main.js');
await main(process.argv);
