import { appendFileSync } from 'node:fs';

console.log(`Cache not found for input keys: ${process.env.INPUT_KEY}`);
if (process.env.GITHUB_OUTPUT) appendFileSync(process.env.GITHUB_OUTPUT, 'cache-hit=false\n');
