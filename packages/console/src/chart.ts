// A line chart of the last few minutes as SVG: a few series that share an axis.

const SVG = 'http://www.w3.org/2000/svg';
const WIDTH = 120;
const HEIGHT = 40;
/** A line that touches the upper edge is hard to see. */
const HEADROOM = 1.1;

export interface Series {
  readonly name: string;
  /** Of a value, with its unit. */
  readonly format: (value: number) => string;
}

export class Chart {
  readonly element = document.createElement('figure');
  readonly #series: readonly Series[];
  readonly #points: number[][];
  readonly #lines: SVGPolylineElement[];
  readonly #labels: HTMLSpanElement[];

  constructor(title: string, series: readonly Series[]) {
    this.#series = series;
    this.#points = series.map(() => []);
    const svg = document.createElementNS(SVG, 'svg');
    svg.setAttribute('class', 'chart');
    svg.setAttribute('viewBox', `0 0 ${WIDTH} ${HEIGHT}`);
    svg.setAttribute('preserveAspectRatio', 'none');
    svg.setAttribute('role', 'img');
    svg.setAttribute('aria-label', title);
    this.#lines = series.map((_, index) => {
      const line = document.createElementNS(SVG, 'polyline');
      line.setAttribute('class', `series${index}`);
      svg.append(line);
      return line;
    });
    const caption = document.createElement('figcaption');
    caption.append(title);
    this.#labels = series.map((_, index) => {
      const label = document.createElement('span');
      label.className = `series${index}`;
      caption.append(label);
      return label;
    });
    this.element.append(caption, svg);
  }

  /** One value for each series. */
  add(values: readonly number[]): void {
    for (const [index, points] of this.#points.entries()) {
      points.push(values[index] ?? 0);
      if (points.length > WIDTH) points.shift();
    }
    const top = Math.max(1e-9, ...this.#points.flat()) * HEADROOM;
    for (const [index, points] of this.#points.entries()) {
      const first = WIDTH - points.length;
      const text = points.map((value, i) => `${first + i},${HEIGHT - (value / top) * HEIGHT}`);
      this.#lines[index]?.setAttribute('points', text.join(' '));
      const label = this.#labels[index];
      const { name, format } = this.#series[index] as Series;
      if (label) label.textContent = `${name} ${format(points.at(-1) ?? 0)}`;
    }
  }
}
