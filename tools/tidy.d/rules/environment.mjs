export const about = 'the environment and the command line are read in main alone';

const ALLOWED = [
  /_main\.cc$/,
  /_(test|bench|fuzz)\.cc$/,
  /^packages\/[\w-]+\/src\/(main|[\w-]+-main)\.ts$/,
  /^packages\/[\w-]+\/src\/.*\.test\.ts$/,
  /^packages\/[\w-]+\/bin\//,
  /^packages\/[\w-]+\/bench\//,
];
const READS = /\b(secure_)?getenv\s*\(|\bsetenv\s*\(|\bprocess\.(env|argv)\b/;

export function check(tree) {
  return tree
    .matching(/^(native|packages)\/.*\.(h|cc|c|ts|mjs|cjs)$/)
    .filter((file) => !ALLOWED.some((pattern) => pattern.test(file)))
    .flatMap((file) =>
      tree.lines(file).flatMap((text, index) => {
        const [code] = text.split('//');
        if (!READS.test(code)) return [];
        return [{ file, line: index + 1, text: 'pass it in as an argument from main' }];
      }),
    );
}
