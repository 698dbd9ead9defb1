/** A small but whole config for tests of this and of other rooms. */
export const EXAMPLE = `version: 1
registry: { account: '123456789012', region: eu-central-1 }
components:
  ami: { kind: ami, paths: ['infra/ami/**'] }
  infra: { kind: terraform, root: infra, paths: ['infra/**', '!infra/ami/**'], depends-on: [ami] }
  web:
    kind: service
    paths: ['web/**']
    after: [infra]
    image: { repository: sample-web, context: web }
    before: [{ name: migrate, command: [node, migrate.js] }]
    deploy: { to: ecs, cluster: '\${output:infra.cluster}', service: web, task-definition: web/task-definition.json, container: web }
    verify: { url: '\${output:infra.web_url}/health', expect: { json: { revision: '{revision}' } } }
  bot:
    kind: bot
    paths: ['bot/**']
    after: [infra]
    image: { repository: sample-bot, context: bot }
    deploy: { to: ssm, targets: { 'tag:Role': docker-host }, secrets: { DISCORD_TOKEN: '\${ssm:/sample/bot/token}' } }
environments:
  dev: { role: 'arn:aws:iam::123456789012:role/slipway-dev', region: eu-central-1 }
  prod:
    role: arn:aws:iam::210987654321:role/slipway-prod
    after: dev
    approve: true
    components: { web: { verify: { url: 'https://www.sample.test/health' } } }
`;
