// Tests run as compiled by `npm run build:test`, so that worker threads written in TypeScript load in them.
export default {
  rootDir: '../.build',
  testEnvironment: '../config/test-environment.mjs',
  transform: {},
  testMatch: ['<rootDir>/test/**/*.test.js'],
  testTimeout: 30_000,
  // Of two cores jest would use one. A process that has run many files is slow, and has gigabytes.
  maxWorkers: '100%',
  workerIdleMemoryLimit: '1GB',
};
