/** The container's own health check, so that the image needs no curl: exits 0 when `/health/live` answers 200. */
const port = process.env.PORT || '8080';
const answer = await fetch(`http://127.0.0.1:${port}/health/live`, { signal: AbortSignal.timeout(2_000) }).catch(
  (error: Error) => error,
);
if (answer instanceof Error || answer.status !== 200) {
  console.error(answer instanceof Error ? String(answer.cause ?? answer) : `status ${answer.status}`);
  process.exitCode = 1;
}
