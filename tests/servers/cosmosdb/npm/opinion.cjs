// The query engine of the npm server: a line of JSON in, {query, parameters, items}, and one out.
const path = require("node:path");
const readline = require("node:readline");

const modules = process.argv[2];
const server = require.resolve("@vercel/cosmosdb-server", { paths: [modules] });
const { default: parse } = require(
  require.resolve("@zeit/cosmosdb-query", { paths: [path.dirname(server)] }),
);

const answer = ({ query, parameters, items }) => {
  try {
    return { result: parse(query).exec(items, { parameters }).result };
  } catch (error) {
    return { error: String(error.message ?? error) };
  }
};

readline.createInterface({ input: process.stdin }).on("line", (line) => {
  console.log(JSON.stringify(answer(JSON.parse(line))));
});
