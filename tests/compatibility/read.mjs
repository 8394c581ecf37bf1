// Reads finance's file with Node and knows nothing of Tieout: `node read.mjs FOLDER FILE`; FOLDER has the package.
import {createRequire} from "node:module";
import {join, resolve} from "node:path";

const [folder, file] = process.argv.slice(2).map((path) => resolve(path));
const {DuckDBInstance, version} = createRequire(join(folder, "node_modules/x.js"))("@duckdb/node-api");

const instance = await DuckDBInstance.create(file, {access_mode: "READ_ONLY"});
const connection = await instance.connect();
const ask = async (sql) => (await connection.runAndReadAll(sql)).getRows()[0].map(String);
const [billed, attributed] = await ask("select billed_usd, attributed_usd from about");
const [spend] = await ask("select sum(amount_usd) from spend_daily");
const [charges] = await ask("select count(*) from focus.cost_and_usage_1_2");
console.log(`DuckDB ${version()} in Node ${process.versions.node}: $${spend} attributed, ${charges} FOCUS charges`);
if (!(billed === attributed && attributed === spend && Number(spend) > 0)) {
  console.error(`Node reads ${file} differently`);
  process.exit(1);
}
