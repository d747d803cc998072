/** The style sheet of the report: for phones, print and dark mode. */
export const STYLE = `
:root { color-scheme: light dark; --text: #1c2330; --muted: #5b6678; --page: #f5f6f8; --card: #fff; --line: #d9dee6; --accent: #2f6fde; }
@media screen and (prefers-color-scheme: dark) { :root { --text: #e7ebf2; --muted: #9aa6b8; --page: #12151b; --card: #1b2029; --line: #313947; } }
* { box-sizing: border-box; }
body { margin: 0; background: var(--page); color: var(--text); font: 16px/1.55 system-ui, -apple-system, "Segoe UI", sans-serif; }
main { max-width: 62rem; margin: 0 auto; padding: 1.5rem 1rem 4rem; }
h1 { font-size: 1.7rem; margin: 0 0 .2rem; } h2 { font-size: 1.2rem; margin: 0 0 .8rem; } h3 { font-size: 1rem; margin: 1rem 0 .4rem; }
section { background: var(--card); border: 1px solid var(--line); border-radius: .7rem; padding: 1.1rem 1.2rem; margin: 1.1rem 0; }
.muted, figcaption { color: var(--muted); font-size: .88rem; }
img { display: block; max-width: 100%; height: auto; image-rendering: pixelated; border-radius: .3rem; }
figure { margin: 0; } figcaption { padding-top: .25rem; text-align: center; }
.pair { display: grid; grid-template-columns: 1fr 1fr; gap: 1rem; }
.pair img { width: 100%; }
.strip { display: grid; grid-template-columns: repeat(auto-fill, minmax(17rem, 1fr)); gap: 1rem; }
.strip img { width: 100%; }
.curve svg { width: 100%; height: auto; fill: var(--muted); }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; width: 100%; font-size: .93rem; } th, td { text-align: left; vertical-align: top; padding: .45rem .6rem; border-bottom: 1px solid var(--line); }
th { font-weight: 600; } td.number { font-variant-numeric: tabular-nums; white-space: nowrap; text-align: right; }
code, pre { font: .84em ui-monospace, Menlo, Consolas, monospace; color: var(--muted); word-break: break-word; } pre { overflow-x: auto; white-space: pre; }
@media (min-width: 40rem) { th[scope="row"] { min-width: 16rem; } }
@media (max-width: 34rem) { .pair { grid-template-columns: 1fr; } }
@media print { body { background: #fff; } section { break-inside: avoid; border: 0; padding: .4rem 0; } }
`;
