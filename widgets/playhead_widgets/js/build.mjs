// Writes ../static: the one script and style sheet that every widget brings along. `--check` only compares.
import { build } from "esbuild";
import { readFile, writeFile, mkdir } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import path from "node:path";

const here = path.dirname(fileURLToPath(import.meta.url));
const outdir = path.resolve(process.argv[2] ?? path.join(here, "../static"));

const result = await build({
  entryPoints: { playhead: path.join(here, "src/index.js") },
  absWorkingDir: here,
  outdir,
  bundle: true,
  format: "esm",
  target: "es2022",
  minify: true,
  charset: "ascii",
  legalComments: "none", // THIRD_PARTY_NOTICES has the licences, whole
  metafile: true,
  write: false,
});
await mkdir(outdir, { recursive: true });
for (const file of result.outputFiles) await writeFile(file.path, file.contents);

// Every package that is in the bundle, with its licence.
const packages = new Map();
for (const input of Object.keys(result.metafile.inputs)) {
  const found = input.match(/^(.*node_modules\/((?:@[^/]+\/)?[^/]+))\//);
  if (found) packages.set(found[2], path.join(here, found[1]));
}
const notices = ["Playhead's widgets contain these packages.\n"];
for (const [name, folder] of [...packages].sort()) {
  const about = JSON.parse(await readFile(path.join(folder, "package.json"), "utf8"));
  const licence = await readFile(path.join(folder, "LICENSE"), "utf8");
  notices.push(`${"-".repeat(78)}\n${name} ${about.version} (${about.license})\n${about.homepage ?? ""}\n\n${licence.trim()}\n`);
}
await writeFile(path.join(outdir, "THIRD_PARTY_NOTICES"), notices.join("\n"));
