/** How the documentation looks: with the colours of the reader's system, on narrow screens too. */

export const referenceStyle = `
:root{color-scheme:light dark;--line:#8885;--soft:#8882;--accent:#0b57a4;--stress:#a3202a}
@media (prefers-color-scheme:dark){:root{--accent:#8fc1f5;--stress:#ff9c9c}}
*{box-sizing:border-box}
body{margin:0;font:16px/1.5 system-ui,sans-serif;display:flex;gap:2rem}
a{color:var(--accent)}
nav{flex:0 0 17rem;height:100vh;overflow:auto;position:sticky;top:0;padding:1rem;border-right:1px solid var(--line);font-size:.875rem}
nav ul{list-style:none;margin:0;padding:0}
nav ul ul{padding-left:.75rem}
nav>ul>li{margin:.375rem 0}
main{flex:1;min-width:0;max-width:60rem;padding:1rem}
h1 small{font-weight:normal;opacity:.7}
h2{margin-top:2.5rem;border-bottom:1px solid var(--line)}
h4{margin:1rem 0 .25rem}
code,pre{font-family:ui-monospace,monospace;font-size:.875em}
pre{overflow:auto;padding:.75rem;background:var(--soft);border-radius:.375rem}
details{border:1px solid var(--line);border-radius:.375rem;margin:.5rem 0;padding:0 .75rem}
details[open]{padding-bottom:.75rem}
summary{cursor:pointer;padding:.5rem 0;overflow-wrap:anywhere}
details:target{outline:2px solid var(--accent)}
.method{display:inline-block;min-width:4.25em;text-align:center;border-radius:.25rem;padding:0 .375rem;font-size:.75rem;font-weight:bold;color:#fff;background:#555}
.get{background:#0b57a4}.post{background:#1d6b32}.put,.patch{background:#8a5300}.delete{background:#a3202a}
.fields{list-style:none;margin:0;padding-left:.75rem;border-left:1px solid var(--line)}
.fields p{margin:0}
.fields li{margin:.375rem 0;overflow-wrap:anywhere}
.type,.permission{opacity:.85;font-size:.9em}
.required{font-size:.8em;font-weight:bold;color:var(--stress)}
.wide{overflow-x:auto}
table{border-collapse:collapse;font-size:.875rem}
th,td{border:1px solid var(--line);padding:.25rem .5rem;text-align:center}
tbody th{text-align:left}
@media (max-width:55rem){body{display:block}nav{position:static;height:auto;border-right:0;border-bottom:1px solid var(--line)}nav ul ul{display:none}nav>ul{columns:2}nav>ul>li{margin:0;padding:.25rem 0}}
`;
