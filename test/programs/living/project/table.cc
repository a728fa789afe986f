// table EXPRESSION...: values of each for x from 0 to 4, sorted by the last; throws and catches on the way.
#include "calculate.h"

#include <algorithm>
#include <iostream>
#include <map>
#include <memory>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

namespace {

struct Release {
	void operator()(tree *one) const { release(one); }
};

std::vector<double> values(const std::string &text)
{
	if (text.find_first_of("abcdefghijklmnopqrstuvwyz") != std::string::npos) throw std::invalid_argument(text + ": only x is a name");
	std::unique_ptr<tree, Release> parsed(parse(text.c_str()));
	if (!parsed) throw std::invalid_argument(text + ": no expression");
	std::vector<double> result;
	for (int x = 0; x < 5; x++) result.push_back(evaluate(parsed.get(), x));
	return result;
}

} // namespace

int main(int argc, char **argv)
{
	std::vector<std::pair<std::string, std::vector<double>>> rows;
	std::map<std::string, std::string> wrong;
	std::thread([&] {
		for (int i = 1; i < argc; i++) {
			try {
				rows.emplace_back(argv[i], values(argv[i]));
			} catch (const std::invalid_argument &error) {
				wrong[argv[i]] = error.what();
			}
		}
	}).join();
	std::sort(rows.begin(), rows.end(), [](const auto &a, const auto &b) { return a.second.back() < b.second.back(); });
	for (const auto &[text, numbers] : rows) {
		std::cout << text;
		for (double number : numbers) std::cout << '\t' << number;
		std::cout << '\n';
	}
	for (const auto &[text, reason] : wrong) std::cout << reason << '\n';
}
