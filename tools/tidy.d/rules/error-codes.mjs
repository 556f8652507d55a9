export const about = 'every error code that is named exists, and docs/errors.md explains every one';

const SCHEMA = 'native/schema/errors.json';
const PAGE = 'docs/errors.md';

export function check(tree) {
  const known = JSON.parse(tree.text(SCHEMA)).errors.map(({ name }) => `DER_${name}`);
  const page = tree.has(PAGE) ? tree.text(PAGE) : '';
  const undocumented = known
    .filter((code) => !page.includes(`\`${code}\``))
    .map((code) => ({ file: PAGE, text: `does not explain ${code}` }));
  const special = ['DER_SUCCESS', 'DER_UNKNOWN'];
  const unknown = tree
    .matching(/^(native|packages|docs|README|ARCHITECTURE).*\.(h|cc|c|ts|md)$/)
    .flatMap((file) =>
      tree
        .lines(file)
        .flatMap((text, index) =>
          [...text.matchAll(/\bDER_[A-Z0-9_]*[A-Z0-9]\b/g)]
            .filter(([code]) => !known.includes(code) && !special.includes(code))
            .map(([code]) => ({ file, line: index + 1, text: `${code} is not in ${SCHEMA}` })),
        ),
    );
  return [...undocumented, ...unknown];
}
