/** The style sheet of the report: light and dark, for phones and for print. */

/**
 * Background and text of a cell of a matrix, from the lowest number to the highest. Each pair has a
 * contrast of at least 4.5.
 */
export const SHADES: readonly (readonly [background: string, text: string])[] = [
  ['#f7fbff', '#0b1a2b'],
  ['#e3eef9', '#0b1a2b'],
  ['#cfe1f2', '#0b1a2b'],
  ['#b5d4e9', '#0b1a2b'],
  ['#93c3df', '#0b1a2b'],
  ['#6daed5', '#0b1a2b'],
  ['#4b97c9', '#0b1a2b'],
  ['#2474b3', '#ffffff'],
  ['#155c9c', '#ffffff'],
  ['#08468b', '#ffffff'],
];

/** Colors by name; those of the three sets are told apart by people who do not see all colors. */
const LIGHT = `--text: #1c2330; --muted: #525d6f; --page: #f3f5f8; --card: #fff; --line: #d3d9e2; --soft: #f0f3f7;
 --accent: #1d5fc4; --real: #0072b2; --unseen: #00805d; --synthetic: #c14a00;
 --good: #14653a; --good-back: #e3f4e9; --caution: #7a4b00; --caution-back: #fdf0d5; --warning: #a11d1d; --warning-back: #fde4e2;`;
const DARK = `--text: #e7ebf2; --muted: #a9b4c5; --page: #12151b; --card: #1b2029; --line: #38414f; --soft: #232935;
 --accent: #7fb0ff; --real: #56b4e9; --unseen: #3fd0a3; --synthetic: #f0a04b;
 --good: #8fe0b0; --good-back: #16321f; --caution: #ffd58a; --caution-back: #3a2b0c; --warning: #ffb3ac; --warning-back: #451c1a;`;

const LAYOUT = `
* { box-sizing: border-box; }
html { scroll-behavior: smooth; scroll-padding-top: 1rem; }
body { margin: 0; background: var(--page); color: var(--text); font: 16px/1.55 system-ui, -apple-system, "Segoe UI", sans-serif; }
.page { max-width: 66rem; margin: 0 auto; padding: 1.5rem 1rem 3rem; }
h1 { font-size: 1.7rem; line-height: 1.25; margin: 0 0 .2rem; overflow-wrap: anywhere; } h2 { font-size: 1.3rem; margin: 0 0 .7rem; }
h3 { font-size: 1.05rem; margin: 1.3rem 0 .4rem; } p { margin: .5rem 0; } ul, ol { padding-left: 1.3rem; margin: .5rem 0; } li { margin: .25rem 0; }
section, nav { background: var(--card); border: 1px solid var(--line); border-radius: .7rem; padding: 1.1rem 1.2rem; margin: 1.1rem 0; }
a { color: var(--accent); } a:focus-visible, summary:focus-visible, .scroll:focus-visible, main:focus-visible { outline: 3px solid var(--accent); outline-offset: 2px; border-radius: .2rem; }
main:focus { outline: 0; }
.skip { position: absolute; left: -100rem; background: var(--card); padding: .5rem 1rem; } .skip:focus { left: 1rem; top: 1rem; z-index: 1; }
.hidden { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); white-space: nowrap; }
.muted, figcaption, .note { color: var(--muted); font-size: .9rem; }
nav h2 { font-size: 1rem; margin: 0 0 .3rem; } nav ul { list-style: none; padding: 0; margin: 0; columns: 15rem; column-gap: 2rem; } nav li { break-inside: avoid; margin: 0; } nav a { display: inline-block; padding: .15rem 0; }
.level { display: inline-flex; align-items: center; gap: .4rem; font-weight: 600; font-size: .95rem; padding: .15rem .65rem .15rem .5rem; border-radius: 1rem; border: 1px solid currentColor; white-space: nowrap; }
.level svg { width: 1.05rem; height: 1.05rem; fill: none; stroke: currentColor; stroke-width: 1.6; stroke-linecap: round; stroke-linejoin: round; }
.level.good { color: var(--good); background: var(--good-back); } .level.caution { color: var(--caution); background: var(--caution-back); } .level.warning { color: var(--warning); background: var(--warning-back); }
.headline { font-size: 1.15rem; font-weight: 600; margin: .6rem 0; }
dt { font-weight: 600; } dd { margin: 0 0 .5rem; }
details { margin: .7rem 0; } summary { cursor: pointer; font-weight: 600; padding: .2rem 0; }
footer { color: var(--muted); font-size: .9rem; }
`;

const PICTURES = `
img { display: block; max-width: 100%; height: auto; image-rendering: pixelated; border-radius: .3rem; }
figure { margin: 0 0 1rem; } figcaption { padding-top: .3rem; } .missing { border: 1px dashed var(--line); border-radius: .3rem; padding: 1rem; color: var(--muted); }
.pair { display: grid; grid-template-columns: 1fr 1fr; gap: 1rem; } .pair img { width: 100%; } .pair figcaption { text-align: center; }
.strip { display: grid; grid-template-columns: repeat(auto-fill, minmax(min(17rem, 100%), 1fr)); gap: 1rem; } .strip img { width: 100%; }
.panels { display: grid; grid-template-columns: repeat(auto-fill, minmax(min(13rem, 100%), 1fr)); gap: 1rem; } .panels figcaption { text-align: center; overflow-wrap: anywhere; }
.drawing svg, .panels svg { display: block; width: 100%; height: auto; } .drawing svg text { fill: var(--muted); } .drawing svg text.text { fill: var(--text); }
.panels svg { border: 1px solid var(--line); border-radius: .3rem; }
svg .line { stroke: var(--real); } svg circle.line { fill: var(--real); } svg .band { fill: var(--real); } svg circle.best { fill: var(--synthetic); } .drawing svg text.best { fill: var(--synthetic); }
svg path.train { stroke: var(--real); } svg path.holdout { stroke: var(--unseen); } svg path.synthetic { fill: var(--synthetic); } svg path.others { stroke: var(--muted); }
.extra { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(22rem, 100%), 1fr)); gap: 1.2rem; } .extra img { width: 100%; max-height: 20rem; object-fit: contain; object-position: left; }
`;

const TABLES = `
.scroll { overflow-x: auto; margin: .6rem 0; }
table { border-collapse: collapse; width: 100%; font-size: .93rem; } th, td { text-align: left; vertical-align: top; padding: .45rem .6rem; border-bottom: 1px solid var(--line); }
caption { text-align: left; color: var(--muted); padding: .2rem 0; } th { font-weight: 600; } thead th { background: var(--soft); }
td.number, th.number { font-variant-numeric: tabular-nums; text-align: right; white-space: nowrap; }
.range { color: var(--muted); font-size: .88em; display: block; }
.matrix { width: auto; } .matrix td { text-align: center; min-width: 4rem; border: 1px solid var(--card); }
${SHADES.map(([back, text], i) => `.matrix td.shade${i} { background: ${back}; color: ${text}; }`).join('\n')}
code, pre { font: .86em ui-monospace, Menlo, Consolas, monospace; overflow-wrap: anywhere; } th code { color: var(--muted); font-weight: 400; } pre { overflow-x: auto; white-space: pre; background: var(--soft); padding: .8rem; border-radius: .4rem; }
th .muted { font-weight: 400; }
.metrics th[scope="row"] { min-width: 11rem; } .metrics td:last-child { min-width: 13rem; }
@media (min-width: 40rem) { .metrics th[scope="row"], .metrics td:last-child { min-width: 17rem; } .facts th { width: 14rem; } }
@media (max-width: 34rem) { .pair { grid-template-columns: 1fr; } .page { padding: 1rem .6rem 2rem; } section, nav { padding: .9rem .8rem; } .facts th, .facts td { display: block; border: 0; padding: .1rem 0; } .facts tr { display: block; padding: .4rem 0; border-bottom: 1px solid var(--line); } }
`;

const PRINT = `
@media print {
 @page { margin: 15mm; } body { background: #fff; font-size: 11pt; } .page { max-width: none; padding: 0; } nav, .skip { display: none; }
 section { border: 0; padding: 0; margin: 0 0 1.2rem; } h2, h3 { break-after: avoid; } figure, tr, .headline { break-inside: avoid; } .scroll { overflow: visible; }
 pre { white-space: pre-wrap; } td.number { white-space: normal; } thead { display: table-header-group; } a { color: inherit; text-decoration: none; }
 .matrix td, .level { print-color-adjust: exact; -webkit-print-color-adjust: exact; }
}
@media (prefers-reduced-motion: reduce) { html { scroll-behavior: auto; } }
@media (forced-colors: active) { .level { border: 1px solid; } }
`;

export const STYLE = `
:root { color-scheme: light dark; ${LIGHT} }
@media screen and (prefers-color-scheme: dark) { :root { ${DARK} } }
@media print { :root { color-scheme: light; } }
${LAYOUT}${PICTURES}${TABLES}${PRINT}`;
