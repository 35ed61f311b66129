// Owns making elements. A text is always a text node or an attribute, never markup, whatever it holds.

/** An element with attributes (`onclick: f` listens; undefined is left out) and children: elements, texts, lists of them. */
export function h(tag, attributes = {}, ...children) {
  return filled(document.createElement(tag), attributes, children)
}

/** The same in SVG. */
export function s(tag, attributes = {}, ...children) {
  return filled(document.createElementNS('http://www.w3.org/2000/svg', tag), attributes, children)
}

function filled(element, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) {
    if (typeof value === 'function') element.addEventListener(name.slice(2), value)
    else if (value !== undefined) element.setAttribute(name, value)
  }
  element.append(...children.flat().filter((child) => child !== undefined && child !== null))
  return element
}

/** A list with headings; `rows` are lists of cells. What is too wide scrolls by itself. */
export function list(label, headings, rows) {
  const head = h(
    'tr',
    {},
    headings.map((heading) => h('th', { scope: 'col' }, heading)),
  )
  const body = rows.map((cells) =>
    h(
      'tr',
      {},
      cells.map((cell) => h('td', {}, cell)),
    ),
  )
  const table = h('table', {}, h('thead', {}, head), h('tbody', {}, body))
  return h('div', { class: 'scroll', tabindex: 0, role: 'region', 'aria-label': label }, table)
}

/** A command with a button that copies it. */
function command(text) {
  const button = h('button', { class: 'copy', type: 'button', onclick: copy }, 'copy')
  async function copy() {
    await navigator.clipboard.writeText(text)
    button.textContent = 'copied'
  }
  return h('span', { class: 'command' }, h('code', {}, text), button)
}

/** A sentence whose commands, in backticks, can be copied. */
export function sentence(text) {
  return text
    .split('`')
    .map((part, at) =>
      at % 2 === 0 ? part : part.startsWith('backfill ') ? command(part) : h('code', {}, part),
    )
}
