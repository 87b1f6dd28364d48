"""What one suite counted: reads its log and its exit code, prints `PASSED FAILED`."""

import re
import sys

COUNTS = [
    re.compile(r"^test result: \w+\. (?P<passed>\d+) passed; (?P<failed>\d+) failed"),  # cargo test
    re.compile(r"^(?:\w+: )?(?P<passed>\d+) passed, (?P<failed>\d+) failed"),  # ours
    re.compile(r"^=+ (?:(?P<failed>\d+) failed, )?(?P<passed>\d+) passed.* in [\d.]+s"),  # pytest
    re.compile(r"^=+ (?P<failed>\d+) failed.* in [\d.]+s"),
]
# A test that did not run has not passed.
UNRUN = re.compile(r"^=+ .*?(?P<count>\d+) (?:skipped|error)")


def main():
    log, status = sys.argv[1], int(sys.argv[2])
    passed = failed = 0
    with open(log, encoding="utf-8", errors="replace") as file:
        for line in file:
            if found := next(filter(None, (count.match(line) for count in COUNTS)), None):
                groups = found.groupdict(default="0")
                passed, failed = passed + int(groups.get("passed", 0)), failed + int(groups["failed"])
            failed += sum(int(count) for count in re.findall(r"(\d+) (?:skipped|errors?)\b", line) if UNRUN.match(line))
    if failed == 0 and (status or not passed):
        failed = 1
    print(passed, failed)


if __name__ == "__main__":
    main()
