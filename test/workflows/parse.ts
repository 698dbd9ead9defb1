// Reads workflow files with GitHub's own parser and prints what it finds wrong, as JSON. The parser imports JSON without an
// import attribute, which Node refuses and only bundlers take; the hook adds it.
import { readFileSync } from 'node:fs';
import { registerHooks } from 'node:module';

registerHooks({
  resolve(specifier, context, next) {
    const resolved = next(specifier, context);
    return resolved.url.endsWith('.json') ? { ...resolved, importAttributes: { type: 'json' } } : resolved;
  },
});
const { NoOperationTraceWriter, convertWorkflowTemplate, parseWorkflow } = await import('@actions/workflow-parser');

const mistakes: string[] = [];
for (const file of process.argv.slice(2)) {
  const { context, value } = parseWorkflow(
    { name: file, content: readFileSync(file, 'utf8') },
    new NoOperationTraceWriter(),
  );
  const template = value ? await convertWorkflowTemplate(context, value) : undefined;
  for (const { message } of context.errors.getErrors()) mistakes.push(`${file}: ${message}`);
  for (const { Message } of template?.errors ?? []) mistakes.push(`${file}: ${Message}`);
}
console.log(JSON.stringify([...new Set(mistakes)]));
