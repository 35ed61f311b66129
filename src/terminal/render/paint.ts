// Owns the colours that lines are made with; picocolors has them.

type Brush = (text: string) => string

export type Paint = {
  readonly bold: Brush
  readonly dim: Brush
  readonly red: Brush
  readonly green: Brush
  readonly yellow: Brush
  readonly cyan: Brush
}
