import { paletteRules } from './palette.js'

/** The style of the page: colours by the reader's theme, wide pages in two columns, narrow ones in one, all of it on paper. */
export const style = `${paletteRules()}
*{box-sizing:border-box}
html{scroll-behavior:smooth;scroll-padding-top:3.5rem;-webkit-text-size-adjust:100%}
@media (prefers-reduced-motion:reduce){html{scroll-behavior:auto}}
body{margin:0;background:var(--ground);color:var(--ink);font:15px/1.5 system-ui,-apple-system,"Segoe UI",Roboto,"Helvetica Neue",Arial,sans-serif;overflow-wrap:anywhere}
header,main,footer{max-width:1260px;margin:0 auto;padding:0 1.25rem}
header{padding-top:1.75rem;padding-bottom:.75rem}
h1{font-size:1.9rem;line-height:1.2;margin:0 0 .4rem;letter-spacing:-.02em}
h2{font-size:1.3rem;margin:0 0 .75rem;letter-spacing:-.01em}
h3{font-size:1rem;margin:0 0 .15rem}
p{margin:0 0 .75rem}
a{color:var(--accent)}
code,pre{font-family:ui-monospace,SFMono-Regular,Menlo,Consolas,monospace;font-size:.86em}
.chips{display:flex;flex-wrap:wrap;gap:.4rem;list-style:none;margin:0;padding:0;color:var(--soft)}
.chips li{background:var(--card);border:1px solid var(--line);border-radius:999px;padding:.05rem .7rem;font-size:.85rem}
#status{margin:.6rem 0 0;color:var(--ink);font-variant-numeric:tabular-nums;min-height:1.5em}
nav{position:sticky;top:0;z-index:2;background:var(--ground);border-bottom:1px solid var(--line)}
nav ul{max-width:1260px;margin:0 auto;padding:.35rem 1.25rem;display:flex;gap:.15rem;overflow-x:auto;list-style:none;scrollbar-width:thin}
nav a{display:block;padding:.25rem .65rem;border-radius:6px;white-space:nowrap;text-decoration:none;color:var(--soft);font-size:.9rem}
nav a:hover{background:var(--wash);color:var(--ink)}
:focus-visible{outline:2px solid var(--accent);outline-offset:2px}
nav a:focus-visible{outline-offset:-2px}
.skip{position:absolute;left:-999px}
.skip:focus{left:1rem;top:.5rem;background:var(--card);padding:.3rem .6rem;z-index:3}
section{margin:2rem 0}
.tiles{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(15rem,100%),1fr));gap:.75rem;margin:0 0 1rem}
.tiles div{background:var(--card);border:1px solid var(--line);border-radius:12px;padding:.9rem 1.1rem}
.tiles dt{color:var(--soft);font-size:.85rem}
.tiles dd{margin:0;font-size:1.9rem;font-weight:650;line-height:1.25;letter-spacing:-.02em;font-variant-numeric:tabular-nums}
.tiles small{font-size:.95rem;font-weight:400;color:var(--soft);letter-spacing:0}
.tiles dd.about{font-size:.82rem;font-weight:400;color:var(--soft);letter-spacing:0;line-height:1.4}
.figures{display:grid;grid-template-columns:repeat(auto-fill,minmax(min(33rem,100%),1fr));gap:1rem;align-items:start}
.figures+.figures,.scroll+.figures,.gallery+.figures,details+.figures{margin-top:1rem}
.figures>figure{margin:0;background:var(--card);border:1px solid var(--line);border-radius:12px;padding:1rem 1.1rem .8rem;container-type:inline-size;min-width:0}
figure.whole{grid-column:1/-1}
figcaption p,.gallery>p{color:var(--soft);font-size:.86rem;margin:0 0 .6rem;max-width:70ch}
figure>svg{display:block;width:100%;height:auto;max-width:640px;margin:0 auto}
figure.whole>svg{max-width:none}
svg text{font-size:12px;font-family:inherit}
svg.phone{display:none}
@container (max-width:440px){svg.desk{display:none}svg.phone{display:block}}
.legend{display:flex;flex-wrap:wrap;gap:.15rem .95rem;list-style:none;margin:0 0 .5rem;padding:0;font-size:.84rem;color:var(--soft)}
.legend svg{width:18px;height:12px;margin-right:.4rem;display:inline-block;vertical-align:-1px}
.where{color:var(--soft);font-size:.84rem;margin:.4rem 0 0}
.note{background:var(--wash);border-radius:8px;padding:.5rem .8rem;font-size:.88rem}
details{margin:.4rem 0}
summary{cursor:pointer;color:var(--soft);font-size:.88rem;padding:.15rem 0;width:fit-content;max-width:100%}
summary:hover{color:var(--ink)}
.scroll{container-type:inline-size;overflow:auto;max-height:32rem;border:1px solid var(--line);border-radius:8px;background:var(--card);margin:.35rem 0 1rem}
figure .scroll{margin-bottom:.2rem}
table{border-collapse:collapse;font-size:.86rem;min-width:100%;overflow-wrap:normal}
caption{text-align:left;color:var(--soft);padding:.5rem .75rem;font-size:.84rem}
caption span{display:block;position:sticky;left:.75rem;max-width:calc(100cqw - 1.6rem)}
th,td{padding:.32rem .75rem;text-align:right;border-top:1px solid var(--line);white-space:nowrap;font-variant-numeric:tabular-nums}
thead th{color:var(--soft);font-weight:600;position:sticky;top:0;background:var(--card)}
tbody th{font-weight:500}
tbody th,th.text,td.text{text-align:left}
td.text{max-width:34rem;white-space:normal;min-width:6rem}
tbody tr:hover>*{background:var(--wash)}
.number{display:inline-block;min-width:1.6em;padding:0 .35em;border-radius:5px;border-left:4px solid var(--of);background:var(--wash);text-align:center;font-size:.92em;margin-right:.25rem}
.beside{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(24rem,100%),1fr));gap:0 1rem;align-items:start}
pre{background:var(--card);border:1px solid var(--line);border-radius:8px;padding:.9rem 1.1rem;overflow:auto;max-height:34rem;white-space:pre;overflow-wrap:normal}
.gallery{background:var(--card);border:1px solid var(--line);border-radius:12px;padding:1rem 1.1rem;margin-bottom:1rem}
.gallery figure{margin:0}
.gallery img{display:block;width:100%;max-width:560px;height:auto;image-rendering:pixelated;border-radius:6px;border:1px solid var(--line)}
.pictures{display:grid;grid-template-columns:repeat(auto-fill,minmax(min(16rem,100%),1fr));gap:1rem}
@media screen{.live .pictures{grid-template-columns:1fr}.live .pictures figure{grid-area:1/1;visibility:hidden}.live .pictures figure.shown{visibility:visible}}
.hint{display:none}
.live .hint{display:inline}
.live .pictures figcaption{display:none}
.slider{display:none}
.live .slider{display:flex;flex-wrap:wrap;align-items:center;gap:.4rem .9rem;color:var(--ink)}
.slider input{flex:1 1 10rem;max-width:26rem;accent-color:var(--accent);height:1.6rem}
.slider output{font-size:.9rem}
.run{border:1px solid var(--line);border-radius:12px;padding:.4rem 1.1rem;margin:1rem 0}
.run>summary{font-size:1.15rem;color:var(--ink);font-weight:600;padding:.4rem 0}
footer{color:var(--soft);font-size:.84rem;padding-top:1rem;padding-bottom:2.5rem}
@media (max-width:600px){header,main,footer{padding-left:.8rem;padding-right:.8rem}nav ul{padding-left:.5rem;padding-right:.5rem}h1{font-size:1.5rem}.tiles{grid-template-columns:1fr 1fr}.tiles div{padding:.7rem .8rem}.tiles dd{font-size:1.4rem}.figures>figure,.gallery{padding:.8rem .8rem .6rem}}
@media screen and (min-width:1000px){.figures>figure:only-child{grid-column:1/-1;display:grid;grid-template-columns:minmax(0,1fr) minmax(0,1.5fr);grid-template-rows:auto 1fr;gap:0 1.5rem}.figures>figure:only-child>svg{grid-column:2;grid-row:1/3}.figures>figure:only-child>details,.figures>figure:only-child>.where{grid-column:1}.figures>figure:only-child>details[open]{grid-column:1/-1}}
@media print{nav,.skip,.slider,.hint,figure details:not([open]){display:none!important}th,td{white-space:normal;padding:.2rem .4rem}table{font-size:8pt}body{background:none;font-size:10pt}header,main,footer{max-width:none;padding:0}section{margin:1rem 0}.figures{grid-template-columns:1fr 1fr}.figures>figure,.gallery,.tiles div{break-inside:avoid;border-color:#ccc}h2,h3{break-after:avoid}.scroll,pre{max-height:none;overflow:visible}.live .pictures figcaption{display:block}.gallery figure{break-inside:avoid}}
`
