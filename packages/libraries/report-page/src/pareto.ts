/** What something costs, and what it is worth. */
export interface Offer {
  readonly cost: number
  readonly worth: number
}

/** The offers that none beats: of no more cost and no less worth, and better in one of them. By cost. */
export function paretoFront<Item extends Offer>(offers: readonly Item[]): readonly Item[] {
  const sorted = [...offers].sort((a, b) => a.cost - b.cost || b.worth - a.worth)
  const front: Item[] = []
  for (const offer of sorted) {
    const best = front.at(-1)
    const same = best && offer.cost === best.cost && offer.worth === best.worth
    if (!best || offer.worth > best.worth || same) front.push(offer)
  }
  return front
}
