//! Places nodes in columns, so that ways lead from left to right as far as there are no circles (Sugiyama). Pure.
//!
//! Ways that pass a column have a place in it like a node. The nodes of a column are in the order of their neighbours.
//! The crates that do this either panic on what a topology may be, such as an actor that emits into its own stream, or
//! leave the ways to their users.

/// Between two columns, besides the labels between them.
const GAP: f64 = 60.0;
/// Between two nodes of a column.
const SPACE: f64 = 28.0;
/// How often the columns are put in order.
const SWEEPS: usize = 8;

/// How large a node or a label is.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Size {
    pub(super) width: f64,
    pub(super) height: f64,
}

/// Where a node is.
#[derive(Debug, Clone, Copy)]
pub(super) struct Place {
    pub(super) x: f64,
    pub(super) y: f64,
    pub(super) width: f64,
    pub(super) height: f64,
}

/// Where an edge is, from left to right.
#[derive(Debug)]
pub(super) struct Way {
    pub(super) edge: usize,
    pub(super) points: Vec<(f64, f64)>,
    /// Whether it leads from right to left.
    pub(super) is_back: bool,
    /// The middle of its label.
    pub(super) label: (f64, f64),
}

/// Where everything is.
#[derive(Debug)]
pub(super) struct Layout {
    pub(super) places: Vec<Place>,
    pub(super) ways: Vec<Way>,
    pub(super) size: Size,
}

/// What stands in a column: a node, or a way that passes.
#[derive(Debug, Clone, Copy)]
struct Item {
    column: usize,
    size: Size,
    /// Its place from the top of the column, and then the middle of it.
    order: f64,
    y: f64,
}

/// The items that an edge leads through, from left to right.
#[derive(Debug)]
struct Chain {
    edge: usize,
    items: Vec<usize>,
    is_back: bool,
}

impl Layout {
    /// Lays out nodes of these sizes, and edges from one to another with labels of these sizes. An edge from a node to
    /// itself is left out.
    pub(super) fn of(sizes: &[Size], edges: &[(usize, usize, Size)]) -> Self {
        let backs = backs(sizes.len(), edges);
        let columns = columns(sizes.len(), edges, &backs);
        let mut items: Vec<Item> = sizes
            .iter()
            .zip(&columns)
            .map(|(size, column)| Item { column: *column, size: *size, order: 0.0, y: 0.0 })
            .collect();
        let chains = chains(&mut items, edges, &backs);
        let mut order = by_column(&items);
        sort(&mut items, &mut order, &chains);
        let height = stack(&mut items, &order);
        let (lefts, width) = lefts(&items, &order, &chains, edges);
        let place = |item: &Item| Place {
            x: lefts[item.column].0 + (lefts[item.column].1 - item.size.width) / 2.0,
            y: item.y - item.size.height / 2.0,
            width: item.size.width,
            height: item.size.height,
        };
        let places = items.iter().map(place).collect::<Vec<_>>();
        let ways = ways(&items, &places, &lefts, &chains);
        Self { places: places[..sizes.len()].to_vec(), ways, size: Size { width, height } }
    }
}

/// Which edges lead back to where their way came from.
fn backs(nodes: usize, edges: &[(usize, usize, Size)]) -> Vec<bool> {
    let mut backs = vec![false; edges.len()];
    let (mut is_seen, mut is_open) = (vec![false; nodes], vec![false; nodes]);
    for start in 0..nodes {
        // The nodes on the way, each with the edges that are still to be looked at.
        let mut path: Vec<(usize, usize)> = Vec::new();
        if !is_seen[start] {
            (is_seen[start], is_open[start]) = (true, true);
            path.push((start, 0));
        }
        while let Some((node, next)) = path.last_mut() {
            let node = *node;
            let Some(found) = (*next..edges.len()).find(|edge| edges[*edge].0 == node) else {
                is_open[node] = false;
                path.pop();
                continue;
            };
            *next = found + 1;
            let to = edges[found].1;
            backs[found] = is_open[to];
            if !is_seen[to] {
                (is_seen[to], is_open[to]) = (true, true);
                path.push((to, 0));
            }
        }
    }
    backs
}

/// The column of each node: one further right than all that lead to it.
fn columns(nodes: usize, edges: &[(usize, usize, Size)], backs: &[bool]) -> Vec<usize> {
    let mut columns = vec![0; nodes];
    for _ in 0..nodes {
        for (&(from, to, _), &is_back) in edges.iter().zip(backs) {
            let (from, to) = if is_back { (to, from) } else { (from, to) };
            if from != to {
                columns[to] = columns[to].max(columns[from] + 1);
            }
        }
    }
    columns
}

/// Gives every edge a place in the columns that it passes.
fn chains(items: &mut Vec<Item>, edges: &[(usize, usize, Size)], backs: &[bool]) -> Vec<Chain> {
    let mut chains = Vec::new();
    for (edge, (&(from, to, _), &is_back)) in edges.iter().zip(backs).enumerate() {
        if from == to {
            continue;
        }
        let (left, right) = if is_back { (to, from) } else { (from, to) };
        let mut chain = vec![left];
        for column in items[left].column + 1..items[right].column {
            items.push(Item { column, size: Size::default(), order: 0.0, y: 0.0 });
            chain.push(items.len() - 1);
        }
        chain.push(right);
        chains.push(Chain { edge, items: chain, is_back });
    }
    chains
}

fn by_column(items: &[Item]) -> Vec<Vec<usize>> {
    let mut order = vec![Vec::new(); items.iter().map(|item| item.column + 1).max().unwrap_or_default()];
    for (number, item) in items.iter().enumerate() {
        order[item.column].push(number);
    }
    order
}

/// Puts each column in the order of its neighbours to the left, then to the right, to and fro.
fn sort(items: &mut [Item], order: &mut [Vec<usize>], chains: &[Chain]) {
    let pairs: Vec<(usize, usize)> =
        chains.iter().flat_map(|chain| chain.items.windows(2).map(|pair| (pair[0], pair[1]))).collect();
    number(items, order);
    for sweep in 0..SWEEPS {
        for step in 0..order.len() {
            let column = if sweep % 2 == 0 { step } else { order.len() - 1 - step };
            let middle = |item: usize| {
                let neighbours = pairs.iter().filter_map(|&(left, right)| match sweep % 2 {
                    0 if right == item => Some(items[left].order),
                    1 if left == item => Some(items[right].order),
                    _ => None,
                });
                let (sum, count) = neighbours.fold((0.0, 0.0), |(sum, count), one| (sum + one, count + 1.0));
                if count > 0.0 { sum / count } else { items[item].order }
            };
            let mut sorted: Vec<(f64, usize)> =
                order[column].iter().map(|item| (middle(*item), *item)).collect();
            sorted.sort_by(|one, other| one.0.total_cmp(&other.0));
            order[column] = sorted.into_iter().map(|(_, item)| item).collect();
            number(items, order);
        }
    }
}

fn number(items: &mut [Item], order: &[Vec<usize>]) {
    for column in order {
        let mut place = 0.0;
        for &item in column {
            items[item].order = place;
            place += 1.0;
        }
    }
}

/// Sets the items of each column one below the other; the columns are centred. Returns the whole height.
fn stack(items: &mut [Item], order: &[Vec<usize>]) -> f64 {
    let height = |column: &Vec<usize>, items: &[Item]| {
        column.iter().map(|item| items[*item].size.height + SPACE).sum::<f64>() - SPACE
    };
    let highest = order.iter().map(|column| height(column, items)).fold(0.0, f64::max);
    for column in order {
        let mut top = (highest - height(column, items)) / 2.0;
        for &item in column {
            items[item].y = top + items[item].size.height / 2.0;
            top += items[item].size.height + SPACE;
        }
    }
    highest
}

/// Where each column begins and how wide it is, and the whole width.
fn lefts(
    items: &[Item],
    order: &[Vec<usize>],
    chains: &[Chain],
    edges: &[(usize, usize, Size)],
) -> (Vec<(f64, f64)>, f64) {
    let (mut lefts, mut left, mut end) = (Vec::new(), 0.0, 0.0);
    for (number, column) in order.iter().enumerate() {
        let width = column.iter().map(|item| items[*item].size.width).fold(0.0, f64::max);
        let starting = chains.iter().filter(|chain| items[chain.items[0]].column == number);
        let label = starting.map(|chain| edges[chain.edge].2.width).fold(0.0, f64::max);
        lefts.push((left, width));
        end = left + width;
        left = end + GAP + label;
    }
    (lefts, end)
}

/// The ends of the ways of a node are spread along its side, in the order of where they lead.
fn ways(items: &[Item], places: &[Place], lefts: &[(f64, f64)], chains: &[Chain]) -> Vec<Way> {
    let port = |chain: &Chain, item: usize, next: usize| {
        let is_left_end = item == 0;
        let of = |other: &Chain| {
            let at = if is_left_end { 0 } else { other.items.len() - 1 };
            let beside = if is_left_end { 1 } else { at - 1 };
            (other.items[at] == chain.items[item]).then(|| (items[other.items[beside]].y, other.edge))
        };
        let own = (items[chain.items[next]].y, chain.edge);
        let others: Vec<(f64, usize)> = chains.iter().filter_map(of).collect();
        let before = others.iter().filter(|other| (other.0, other.1) < own).map(|_| 1.0).sum::<f64>();
        let count = others.iter().map(|_| 1.0).sum::<f64>();
        let place = &places[chain.items[item]];
        place.y + place.height * (before + 1.0) / (count + 1.0)
    };
    let way = |chain: &Chain| {
        let last = chain.items.len() - 1;
        let mut points = Vec::new();
        for (number, &item) in chain.items.iter().enumerate() {
            let place = &places[item];
            match number {
                0 => points.push((place.x + place.width, port(chain, 0, 1))),
                _ if number == last => points.push((place.x, port(chain, last, last - 1))),
                _ => {
                    let (left, width) = lefts[items[item].column];
                    points.extend([(left, items[item].y), (left + width, items[item].y)]);
                }
            }
        }
        let (from, to) = (points[0], points[1]);
        let label = (f64::midpoint(from.0, to.0), f64::midpoint(from.1, to.1));
        Way { edge: chain.edge, points, is_back: chain.is_back, label }
    };
    chains.iter().map(way).collect()
}
