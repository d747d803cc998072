#!/usr/bin/env node
/** The `gist` command: sets up what is missing, then hands over to the compiled program. */
process.argv.push('--quiet');
const { setUpOrExit } = await import('../scripts/setup.mjs');
process.argv.pop();
await setUpOrExit();
const { main } = await import('../dist/src/cli/main.js');
await main(process.argv);
