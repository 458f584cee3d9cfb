"""docs/model-card.md from what the card beside the weights states and what they do on a split that nobody trained with.

    hullscan dataset DATA --train 0 --test 216 --seed 4
    python benchmarks/model_card.py DATA

Writes the contact sheets beside it, and with --into-card what drift is told by into the card of the weights.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

import cv2
import yaml

from hullscan.vision.measures import evaluate_model
from hullscan.vision.runtime import PRECISE_MODEL

ROOT = Path(__file__).parent.parent
PAGE = ROOT / "docs" / "model-card.md"
CARD = PRECISE_MODEL.with_suffix(".yaml")
FACTS = {
    "shorter_side_px": "shorter side of the box, px",
    "contrast": "contrast across the outline, 8-bit levels",
    "range_m": "range, m",
    "incidence_deg": "incidence, degrees",
    "hidden_share": "hidden share",
    "size_m": "longest side, m",
}


def table(head: list[str], rows: list[list[Any]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "".join("| " + " | ".join(str(cell) for cell in line) + " |\n" for line in lines)


def share(point: dict[str, Any]) -> list[str]:
    """Found of how many, the share, its bounds."""
    if not point["objects"]:
        return ["0 of 0", "–", "–"]
    return [
        f"{point['found']} of {point['objects']}",
        f"{point['recall']:.2f}",
        f"at most {point['upper']:.2f}" if point["lower"] is None else f"{point['lower']:.2f} to {point['upper']:.2f}",
    ]


def span(row: dict[str, Any]) -> str:
    return f"{row['from']:g} and more" if row["to"] is None else f"{row['from']:g} to {row['to']:g}"


def single_frames(told: dict[str, Any], request: dict[str, Any]) -> str:
    at = told["at_the_threshold"]
    points = [[f"threshold {at['threshold']:.2f}", *share(at), f"{at['false_per_frame']:.3f}"]]
    points += [
        [f"{rate} false boxes a frame", *share(point), f"{point['false_per_frame']:.3f}"]
        for rate, point in told["at_false_per_frame"].items()
    ]
    text = (
        f"{told['frames']} frames of ships that it was not trained with (drawn by `hullscan dataset`, "
        f"seed {request['seed']}, split {told['split']}). A parcel is found where a box overlaps it by an intersection "
        "over union of 0.3 and more; what is too small or too faint for people is neither missed nor false. Bounds: "
        "95 %, Clopper and Pearson; frames of one ship are not independent, so they flatter; of fewer than 36 not even "
        "all found would show a recall of 0.90, so of them only the upper bound is told.\n\n"
    )
    text += table(["at", "found", "recall", "bounds", "false boxes a frame"], points)
    text += (
        f"\nNo more than {at['false_per_frame_upper']:.3f} false boxes a frame at the threshold (95 %, one-sided, "
        "Garwood).\n\n![Recall against false boxes, precision against recall, reliability of the scores]"
        "(model-card/evaluation.png)\n"
    )
    average = told["average_precision"]
    if average is not None:
        text += (
            f"\nOver all labels, by COCO's rules: mAP50 {average['map50']:.3f}, mAP50-95 {average['map50_95']:.3f}.\n"
        )
    rows = [[FACTS[fact], span(row), *share(row)] for fact, bands in told["bands"].items() for row in bands]
    text += f"\nAt threshold {at['threshold']:.2f}, by what is known of each parcel:\n\n"
    text += table(["", "between", "found", "recall", "bounds"], [row for row in rows if row[2] != "0 of 0"])
    labels = [[name, *share(point), f"{point['false_per_frame']:.3f}"] for name, point in told["labels"].items()]
    return (
        text
        + "\nBy label, at the same threshold:\n\n"
        + table(["label", "found", "recall", "bounds", "false boxes a frame"], labels)
    )


def passes(card: dict[str, Any]) -> str:
    told = card["measured"]["passes"]
    chosen, nearer = told["chosen_on"], [told["along_the_demos_hull"], told["other_ships_from_nearer"]]
    head = ["threshold", "parcels found", "false findings"]

    def rows(counts: dict[str, Any]) -> list[list[Any]]:
        return [[row["threshold"], row["found"], row["false_findings"]] for row in counts["by_threshold"]]

    return (
        f"{told['what'][0].upper()}{told['what'][1:]}. Worlds {chosen['worlds']} chose the threshold, worlds "
        f"{told['worlds']} are reported:\n\n"
        + table(head, rows(told))
        + f"\nThose that chose it:\n\n{table(head, rows(chosen))}"
        + "".join(f"\n{each['what'][0].upper()}{each['what'][1:]}:\n\n{table(head, rows(each))}" for each in nearer)
    )


def surveys(card: dict[str, Any]) -> str:
    told = card["measured"]["surveys"]
    rows = [
        [row["length_m"], row["visibility_m"], f"{row['found']} of {row['planted']}",
         f"{row['found'] / row['planted']:.2f}", "too few" if row["at_least"] is None else f"{row['at_least']:.2f}"]
        for row in told["by_length_and_visibility"]
    ]  # fmt: skip
    head = ["length, m", "visibility, m", "found", "POD", "at least (95 %)"]
    return (
        f"{told['what']}.\n\n{table(head, rows)}\n{told['missed']}.\n\nThe flights among them, by `hullscan evaluate "
        f"--missions`: {told['flights']}.\n\n![POD by size, by visibility, errors of place](model-card/surveys.png)\n"
    )


def sentences(text: str) -> str:
    return f"{text[0].upper()}{text[1:]}."


def input_sizes(card: dict[str, Any]) -> str:
    told = card["measured"]["input_sizes"]
    rates = list(told["rows"][0]["recall_by_false_boxes_a_frame"])
    rows = [
        [row["input"], *(row["recall_by_false_boxes_a_frame"][rate] for rate in rates), row["cpu_ms_a_frame"]]
        for row in told["rows"]
    ]
    head = ["input", *(f"recall at {rate} false boxes a frame" for rate in rates), "CPU ms a frame"]
    return f"{told['what'][0].upper()}{told['what'][1:]}.\n\n{table(head, rows)}"


def photographs(card: dict[str, Any]) -> str:
    told = card["real_photographs"]
    rows = [[row["file"], ", ".join(map(str, row["parcel_scores"])) or "none"] for row in told["scores"]]
    drawn = card["measured"]["photographs_with_drawn_parcels"]
    names = {"at_threshold_0_50": "these weights", "weights_before_at_0_50": "the weights before"}
    counts = [
        [words, place.replace("_", " "), point["found"], point["false_boxes_a_frame"]]
        for key, words in names.items()
        for place, point in drawn[key].items()
    ]
    return (
        f"{told['what'][0].upper()}{told['what'][1:]}.\n\n"
        + table(["photograph", "scores"], rows)
        + f"\n{told['looked_at'][0].upper()}{told['looked_at'][1:]}.\n"
        + f"\n{drawn['what'][0].upper()}{drawn['what'][1:]}; at a threshold of 0.50, single frames:\n\n"
        + table(["", "photographs", "parcels found", "false boxes a frame"], counts)
    )


def page(card: dict[str, Any], told: dict[str, Any], request: dict[str, Any], cases: dict[str, str]) -> str:
    stages = [
        [str(n), stage.get("model", "the weights before"), stage["data"], stage["imgsz"], stage["epochs"]]
        for n, stage in enumerate(card["stages"], start=1)
    ]
    ranges = [[name.replace("_", " "), low, high] for name, (low, high) in told["inputs"]["ranges"].items()]
    sheets = "".join(f"\n**{words}**\n\n![{words}](model-card/{name}.jpg)\n" for name, words in cases.items())
    hashes = table(["file", "SHA-256"], [[name, f"`{value}`"] for name, value in card["files"].items()])
    return f"""# Model card: the parcel detector

{card["what"]} Input {card["input"]}. Threshold {card["threshold"]}: {card["threshold_from"]}.

Licence {card["licence"]}. Written by `python benchmarks/model_card.py`; the recipe with all seeds stands in
[parcel.yaml](../hullscan/vision/models/parcel.yaml).

## What it cannot do

{card["known_limits"]}

## Single frames

{single_frames(told, request)}
### Input size

{input_sizes(card)}
### Networks and tiles that are not shipped

{sentences(card["measured"]["not_shipped"]["networks"])}

{sentences(card["measured"]["not_shipped"]["tiles"])}

### Own tether

{sentences(card["measured"]["own_tether"])}

## Whole passes

{passes(card)}
## Whole surveys

{surveys(card)}
## Real photographs

{photographs(card)}
## Hits, misses and false calls

On the frames above, at the threshold. The number is the score; hits and misses begin with the lowest, false calls with
the highest.
{sheets}
## Training

{table(["stage", "from", "data", "image, px", "epochs"], stages)}
## Input statistics

Ranges that held 98 % of the frames above. Where more than a fifth of a mission's looks lie outside one of them, its
report says that what is stated here does not apply to it. {sentences(card["measured"]["drift"])}

{table(["statistic", "least", "most"], ranges)}
## Files

{hashes}"""


def counted(told: dict[str, Any]) -> dict[str, str]:
    at = told["at_the_threshold"]
    return {
        "hits": f"Hits: {at['found']}",
        "misses": f"Misses: {at['objects'] - at['found']}",
        "false": f"False calls: {at['false_boxes']}",
    }


def main() -> None:
    """Evaluate and write."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("data", type=Path)
    parser.add_argument("--split", default="test")
    parser.add_argument("--into-card", action="store_true", help="write the input statistics into the weights' card")
    asked = parser.parse_args()
    cv2.setNumThreads(1)
    folder = PAGE.with_suffix("")
    folder.mkdir(exist_ok=True)
    evaluate_model(asked.data, asked.split, None, folder / "evaluation.json", folder)
    told = json.loads((folder / "evaluation.json").read_text(encoding="utf-8"))
    if asked.into_card:
        stated = yaml.safe_load(CARD.read_text(encoding="utf-8")) | {"inputs": told["inputs"]}
        CARD.write_text(yaml.safe_dump(stated, sort_keys=False, width=120, allow_unicode=True), encoding="utf-8")
    card = yaml.safe_load(CARD.read_text(encoding="utf-8"))
    request = json.loads((asked.data / "data_card.json").read_text(encoding="utf-8"))["request"]
    PAGE.write_text(page(card, told, request, counted(told)), encoding="utf-8")
    print(PAGE)


if __name__ == "__main__":
    main()
