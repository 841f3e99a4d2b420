"""Writes the autoscaler that KEDA makes of a ScaledObject, for Kubernetes' own schema to check."""

import pathlib
import sys

import yaml


def main():
    scaled, deployment = (yaml.safe_load(pathlib.Path(path).read_text()) for path in sys.argv[1:3])
    spec = scaled["spec"]
    target, least, most = spec["scaleTargetRef"], spec.get("minReplicaCount", 0), spec.get("maxReplicaCount", 100)
    if target["name"] != deployment["metadata"]["name"]:
        sys.exit(f"{sys.argv[1]}: scales `{target['name']}`, and the deployment is `{deployment['metadata']['name']}`")
    if least > most:
        sys.exit(f"{sys.argv[1]}: minReplicaCount is {least}, and maxReplicaCount only {most}")
    # A number would be set back at every `kubectl apply`; what is left out is taken from the base.
    if deployment["spec"].get("replicas", "left out") is not None:
        sys.exit(f"{sys.argv[2]}: `replicas` must be null, since KEDA decides")
    autoscaler = {
        "apiVersion": "autoscaling/v2",
        "kind": "HorizontalPodAutoscaler",
        "metadata": {"name": f"keda-hpa-{scaled['metadata']['name']}"},
        "spec": {
            "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": target["name"]},
            # With 0 KEDA itself ends the last one.
            "minReplicas": max(least, 1),
            "maxReplicas": most,
            "metrics": [
                {
                    "type": "External",
                    "external": {
                        "metric": {"name": f"s{number}-{trigger['type']}"},
                        "target": {"type": "AverageValue", "averageValue": trigger["metadata"]["threshold"]},
                    },
                }
                for number, trigger in enumerate(spec["triggers"])
            ],
            **spec.get("advanced", {}).get("horizontalPodAutoscalerConfig", {}),
        },
    }
    # The name is the autoscaler's, not a part of what it does.
    autoscaler["spec"].pop("name", None)
    print(yaml.safe_dump(autoscaler))


if __name__ == "__main__":
    sys.exit(main())
