// Owns the picture of what is computed from what: sources on the left, then tables, each right of its inputs.
import { s } from './dom.js'

const [BOX, HEIGHT, GAP, STEP] = [250, 26, 8, 350]

export function graph(definitions, tables, selected, select) {
  const byKey = new Map(definitions.map((one) => [one.table, one]))
  const depth = (key) =>
    1 +
    Math.max(
      0,
      ...byKey
        .get(key)
        .after.filter((one) => byKey.has(one))
        .map(depth),
    )
  const sources = [...new Set(definitions.flatMap((one) => one.sources))]
  const columns = [sources]
  for (const { table } of definitions) (columns[depth(table)] ??= []).push(table)
  const rows = Math.max(...columns.map(({ length }) => length))
  const places = new Map()
  columns.forEach((names, column) =>
    names.forEach((name, row) => {
      const y = ((row + 0.5) * rows) / names.length - 0.5
      places.set(name, { x: column * STEP + 1, y: y * (HEIGHT + GAP) + 1 })
    }),
  )
  const states = new Map(tables.map(({ table, state }) => [table, state]))
  const edges = definitions.flatMap(({ table, sources: own, after }) =>
    [...own, ...after]
      .filter((one) => places.has(one))
      .map((one) => edge(places.get(one), places.get(table), table === selected)),
  )
  const boxes = [...places].map(([name, place]) =>
    box(name, place, states.get(name), name === selected, select),
  )
  const size = `0 0 ${(columns.length - 1) * STEP + BOX + 2} ${rows * (HEIGHT + GAP)}`
  return s(
    'svg',
    { class: 'graph', viewBox: size, role: 'group', 'aria-label': 'Sources and tables' },
    edges,
    boxes,
  )
}

function edge(from, to, isSelected) {
  const [x1, y1, x2, y2] = [from.x + BOX, from.y + HEIGHT / 2, to.x, to.y + HEIGHT / 2]
  const middle = (x1 + x2) / 2
  return s('path', {
    class: isSelected ? 'edge selected' : 'edge',
    d: `M${x1} ${y1}C${middle} ${y1} ${middle} ${y2} ${x2} ${y2}`,
  })
}

/** A table is a button; a source only a box. */
function box(name, { x, y }, state, isSelected, select) {
  const choose = (event) =>
    event.key === undefined || ['Enter', ' '].includes(event.key) ? select(name) : undefined
  const asButton = {
    role: 'button',
    tabindex: 0,
    onclick: choose,
    onkeydown: choose,
    'aria-label': `${name}: ${state}`,
  }
  return s(
    'g',
    { class: `box${isSelected ? ' selected' : ''}`, ...(state !== undefined && asButton) },
    s('title', {}, state === undefined ? name : `${name}: ${state}`),
    s('rect', { x, y, width: BOX, height: HEIGHT, rx: 4, 'data-state': state }),
    s('text', { x: x + 8, y: y + 17 }, name),
  )
}
