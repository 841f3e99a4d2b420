//! What streams can take, what waits for actors, and who holds all up, as metrics.

use std::time::Duration;

use super::Watch;
use crate::engine::flow::{bottleneck, pressure_of};
use crate::message::{FlowState, PartitionId};
use crate::telemetry::metric::{self, Labels, Observations};

impl Watch {
    pub(super) fn observe_flows(&self, observations: &mut Observations) {
        let flows = self.flows();
        for flow in &flows {
            let name = || Labels::stream(&flow.stream);
            if let Some(level) = level(flow.state) {
                observations.whole(&metric::FLOW_STATE, name(), level);
            }
            if let Some(rate) = flow.rate {
                observations.real(&metric::FLOW_RATE, name(), rate);
            }
            if let Some((mark, hard)) = flow.pressure.as_ref().map(|it| it.mark).zip(pressure_of(flow)) {
                observations.real(&metric::FLOW_PRESSURE, name().mark(mark), hard);
            }
        }
        for (stream, depth) in self.depths() {
            let name = || Labels::actor(&depth.actor).of_stream(&stream);
            observations.whole(&metric::QUEUE_DEPTH, name(), depth.messages());
            let lag = depth.lag.unwrap_or_default();
            observations.real(&metric::QUEUE_LAG, name(), lag.as_secs_f64());
        }
        let actors = self.snapshot();
        for actor in &actors {
            let name = || Labels::actor(&actor.actor);
            let stopped = Duration::from_millis(actor.intake_stopped_ms).as_secs_f64();
            observations.real(&metric::INTAKE_STOPPED_TIME, name(), stopped);
            observations.whole(&metric::INTAKE_STOPS, name(), actor.intake_stops);
            if let Some(stream) = &actor.intake_stopped_by {
                observations.whole(&metric::INTAKE_STOPPED, name().of_stream(stream), 1);
            }
        }
        let is_gated =
            |name: &str| actors.iter().any(|actor| actor.actor == name && actor.intake_stopped_by.is_some());
        if let Some((actor, partition)) = bottleneck(&flows, is_gated) {
            let labels = Labels::actor(actor);
            let labels = match partition {
                Some(partition) => labels.partition(PartitionId(partition)),
                None => labels,
            };
            observations.whole(&metric::BOTTLENECK, labels, 1);
        }
    }
}

fn level(state: FlowState) -> Option<u64> {
    match state {
        FlowState::Open => Some(0),
        FlowState::Slow => Some(1),
        FlowState::Stop => Some(2),
        _ => None,
    }
}
