"""The CloudFormation template as AWS would see it: its functions worked out, its policies asked."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

from cfnlint.decode import decode

TEMPLATE = Path(__file__).parents[2] / "deploy" / "eks" / "template.yaml"

MADE = {  # what Ref and GetAtt give when the stack has been made
    "AWS::AccountId": "111122223333",
    "AWS::Region": "eu-west-1",
    "AWS::URLSuffix": "amazonaws.com",
    "Bucket": "the-bucket",
    "Bucket.Arn": "arn:aws:s3:::the-bucket",
    "GitHub": "arn:aws:iam::111122223333:oidc-provider/token.actions.githubusercontent.com",
    "Images.Arn": "arn:aws:ecr:eu-west-1:111122223333:repository/fanfold-python",
    "PodRole.Arn": "arn:aws:iam::111122223333:role/pods",
    "PushRole.Arn": "arn:aws:iam::111122223333:role/push",
}


def source() -> dict[str, Any]:
    """The template as it is written, with `!Ref` as `{"Ref": ...}`."""
    decoded, problems = decode(str(TEMPLATE))
    assert not problems, problems
    return decoded


def resources(**parameters: str) -> dict[str, Any]:
    """Properties and policies of each resource that these parameters make, by its name."""
    template = source()
    defaults = {name: each.get("Default") for name, each in template["Parameters"].items()}
    values = {**MADE, **defaults, **parameters}
    conditions = {
        name: _worked_out(each, values, {}) for name, each in template["Conditions"].items()
    }
    return {
        name: _worked_out(each, values, conditions)
        for name, each in template["Resources"].items()
        if conditions.get(each.get("Condition"), True)
    }


def _worked_out(node: Any, values: Mapping[str, Any], conditions: Mapping[str, bool]) -> Any:
    def inside(each: Any) -> Any:
        return _worked_out(each, values, conditions)

    if isinstance(node, list):
        return [inside(each) for each in node]
    if not isinstance(node, dict):
        return node
    if len(node) == 1:
        ((function, argument),) = node.items()
        match function:
            case "Ref":
                return values[argument]
            case "Fn::GetAtt":
                return values[argument if isinstance(argument, str) else ".".join(argument)]
            case "Fn::Sub":
                return re.sub(r"\$\{([^}]+)\}", lambda found: values[found[1]], argument)
            case "Fn::Equals":
                return inside(argument[0]) == inside(argument[1])
            case "Fn::If":
                return inside(argument[1] if conditions[argument[0]] else argument[2])
    return {str(name): inside(each) for name, each in node.items()}


@dataclass(frozen=True)
class Request:
    """What somebody wants to do, and what AWS knows of it."""

    action: str
    resource: str = ""
    principal: tuple[str, str] | None = None
    context: Mapping[str, str] | None = None


def allowed(statements: list[dict[str, Any]], request: Request) -> bool:
    """What AWS says to it by these statements alone: a Deny wins, and silence is a no."""
    effects = {each["Effect"] for each in statements if _applies(each, request)}
    return effects == {"Allow"}


def _applies(statement: dict[str, Any], request: Request) -> bool:
    if not any(fnmatchcase(request.action, each) for each in _listed(statement["Action"])):
        return False
    if "Resource" in statement and not any(
        fnmatchcase(request.resource, each) for each in _listed(statement["Resource"])
    ):
        return False
    principal = statement.get("Principal", "*")
    if principal != "*" and request.principal not in principal.items():
        return False
    return all(_conditions(statement, request.context or {}))


def _conditions(statement: dict[str, Any], context: Mapping[str, str]) -> Iterator[bool]:
    """Whether each condition holds; one on what AWS was not told does not."""
    for operator, keys in statement.get("Condition", {}).items():
        same = {"StringLike": fnmatchcase, "StringEquals": str.__eq__, "Bool": str.__eq__}[operator]
        for key, wanted in keys.items():
            yield key in context and any(same(context[key], each) for each in _listed(wanted))


def _listed(value: Any) -> list[str]:
    return value if isinstance(value, list) else [value]
