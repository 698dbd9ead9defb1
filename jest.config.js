/** Tests run the source as Node runs it: types are stripped, nothing else is rewritten. */
export default {
  testEnvironment: 'node',
  extensionsToTreatAsEsm: ['.ts'],
  transform: { '\\.ts$': '<rootDir>/scripts/strip-types.js' },
  testMatch: ['<rootDir>/{actions,lib,local,scripts,test,bench}/**/*.test.ts'],
  testPathIgnorePatterns: ['/node_modules/', '<rootDir>/build/', '<rootDir>/sample-app/'],
  testTimeout: 30_000,
};
